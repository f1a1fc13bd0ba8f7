package netconn_test

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/reactortest"
)

// Server and client of net/http on a reactor, here one without a network. At most a
// hundred clients are served at a time.
func Example() {
	r := reactortest.NewMemory(reactortest.Config{})
	limit := factory.Limit{Total: 100}
	l, err := netconn.Listen(r, "tcp", "127.0.0.1:0", limit.Around)
	if err != nil {
		panic(err)
	}
	go r.Run(context.Background())
	defer r.Stop()
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		fmt.Fprintln(w, "You asked for", req.URL.Path)
	}))

	d := netconn.Dialer{Network: r}
	client := http.Client{Transport: &http.Transport{DialContext: d.DialContext}}
	answer, err := client.Get("http://" + l.Addr().String() + "/peace")
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	fmt.Print(string(text), err)
	// Output:
	// You asked for /peace
	// <nil>
}
