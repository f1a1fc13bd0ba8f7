package main

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/torsion-go/torsion/reactor"
)

// serve serves HTTP to the connections of l. Each has a goroutine, as net/http does
// it; what it reads and writes is a reactor's.
func (t *table) serve(pool *reactor.Pool, l net.Listener) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /keys", t.list)
	mux.HandleFunc("GET /keys/{key}", t.get)
	mux.HandleFunc("PUT /keys/{key}", t.put)
	mux.HandleFunc("DELETE /keys/{key}", t.del)
	server := &http.Server{Handler: mux, ReadTimeout: 10 * time.Second}
	pool.BeforeShutdown(func(done func()) { // requests under way need the loop
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
}
