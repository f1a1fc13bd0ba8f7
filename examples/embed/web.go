package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactor"
)

// serve has the board answer HTTP, on goroutines of net/http, for as long as the
// reactors run.
func (b *board) serve(pool *reactor.Pool, addr string) (net.Addr, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readers", b.count)
	mux.HandleFunc("POST /notices", b.notify)
	mux.HandleFunc("POST /readers/{id}", b.tell)
	server := &http.Server{Handler: mux, ReadTimeout: 10 * time.Second}
	pool.BeforeShutdown(func(done func()) { // requests under way need the loops
		go func() {
			defer done()
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			server.Shutdown(ctx)
		}()
	})
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Print(err)
			pool.Stop()
		}
	}()
	return l.Addr(), nil
}

// count asks each loop, and waits for the answer.
func (b *board) count(w http.ResponseWriter, req *http.Request) {
	all := 0
	for _, s := range b.sides {
		n, err := protocol.Ask(req.Context(), s.loop, s.all.Len)
		if err != nil {
			answer(w, 0, err)
			return
		}
		all += n
	}
	fmt.Fprintln(w, all)
}

// notify has the loops do something, and does not wait.
func (b *board) notify(w http.ResponseWriter, req *http.Request) {
	text, err := notice(req)
	for _, s := range b.sides {
		if err == nil {
			err = s.loop.Call(func() { s.all.Send(text) })
		}
	}
	answer(w, http.StatusAccepted, err)
}

// tell writes to one connection, as a goroutine would to a net.Conn, and waits
// until the kernel has taken it all.
func (b *board) tell(w http.ResponseWriter, req *http.Request) {
	id, _ := strconv.Atoi(req.PathValue("id")) // nobody is 0
	remote, err := b.find(req.Context(), id)
	if err == nil && remote == nil {
		http.NotFound(w, req)
		return
	}
	text, err2 := notice(req)
	if err = errors.Join(err, err2); err == nil {
		_, err = remote.Write(text)
	}
	if err == nil {
		err = remote.Flush(req.Context())
	}
	answer(w, http.StatusNoContent, err)
}

// find returns nil if there is no such reader.
func (b *board) find(ctx context.Context, id int) (remote *protocol.Remote, err error) {
	for _, s := range b.sides {
		remote, err = protocol.Ask(ctx, s.loop, func() *protocol.Remote { return s.readers[id] })
		if remote != nil || err != nil {
			break
		}
	}
	return remote, err
}

func answer(w http.ResponseWriter, status int, err error) {
	switch {
	case err == nil:
		w.WriteHeader(status)
	case errors.Is(err, errLong):
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
	case errors.Is(err, net.ErrClosed), errors.Is(err, protocol.ErrConnectionDone):
		http.Error(w, "the reader has gone", http.StatusGone)
	default: // protocol.ErrSlowPeer, protocol.ErrStopped
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

var errLong = errors.New("a notice has at most 1024 bytes")

// notice is the request's body as one line that does no harm to a terminal.
func notice(req *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(req.Body, 1025))
	if len(body) > 1024 {
		err = errLong
	}
	text := strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return ' '
	}, strings.TrimSpace(string(body)))
	return []byte(text + "\r\n"), err
}
