package deferred_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocoltest"
)

// A guest is asked question by question. Lines that come before they are asked for
// wait, and so does the peer.
type guest struct {
	line.Base
	answer *deferred.Deferred[string] // the line that is waited for
}

func (g *guest) ConnectionMade(c *line.Conn) {
	g.PauseReading()
	deferred.RunOn(c, g.talk).Done(func(struct{}, error) { g.LoseConnection() })
}

func (g *guest) LineReceived(l []byte) {
	g.PauseReading()
	g.answer.Fire(string(l), nil)
}

// ask returns the next line.
func (g *guest) ask(co *deferred.Coroutine, question string) (string, error) {
	fmt.Fprint(g, question)
	g.answer = deferred.New[string](g.Loop())
	g.ResumeReading()
	return deferred.Wait(co, g.answer.Timeout(g.Loop(), time.Minute))
}

func (g *guest) talk(co *deferred.Coroutine) error {
	for range 3 {
		name, err := g.ask(co, "Name: ")
		if err != nil {
			return err
		}
		password, err := g.ask(co, "Password: ")
		if err != nil {
			return err
		}
		if password == "sesame" {
			g.SendLine("Welcome, " + name + ".")
			return nil
		}
		if err := co.Sleep(time.Second); err != nil { // whoever guesses has to wait
			return err
		}
	}
	g.SendLine("Goodbye.")
	return nil
}

// A dialogue on a connection, in straight lines.
func ExampleRunOn() {
	peer := protocoltest.Connect(line.New(&guest{}))
	peer.Receive("eve\r\n1234\r\neve\r\nsesame\r\n")
	fmt.Printf("%q\n", peer.Take())
	peer.Advance(time.Second)
	fmt.Println(strings.TrimSpace(peer.Take()))
	fmt.Println(peer.Lost())
	// Output:
	// "Name: Password: "
	// Name: Password: Welcome, eve.
	// connection done
}

// However and whenever a dialogue ends, nothing is left of it.
func TestDialogueEnds(t *testing.T) {
	for name, end := range map[string]func(peer *protocoltest.Transport){
		"EOF":        func(peer *protocoltest.Transport) { peer.EOF() },
		"reset":      func(peer *protocoltest.Transport) { peer.Reset() },
		"shutdown":   func(peer *protocoltest.Transport) { peer.Shutdown() },
		"silence":    func(peer *protocoltest.Transport) {},
		"late lines": func(peer *protocoltest.Transport) { peer.Advance(time.Minute); peer.Receive("a\r\nb\r\n") },
	} {
		for _, said := range []string{"", "eve\r\n", "eve\r\n1234\r\n"} {
			peer := protocoltest.Connect(line.New(&guest{}))
			peer.Receive(said)
			end(peer)
			peer.Advance(2 * time.Minute)
			assert.Error(t, peer.Lost(), "%s behind %q", name, said)
			assert.NotContains(t, peer.Lost().Error(), "panic")
			assert.Zero(t, peer.Timers())
		}
	}
}
