//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package netconn_test

import (
	"io"
	"net"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/netconn"
)

// One op is one echo of 64 bytes: a client of package net, and a server that has
// netconn or net in turn, so that both have the same machine. cpu is that of the
// whole process, the client's included.
func BenchmarkEcho(b *testing.B) {
	for _, conns := range []int{1, 64} {
		b.Run(strconv.Itoa(conns), func(b *testing.B) {
			ours, err := netconn.Listen(sockets(b), "tcp", "127.0.0.1:0")
			require.NoError(b, err)
			theirs, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(b, err)
			sides := []struct {
				name      string
				clients   []net.Conn
				wall, cpu time.Duration
			}{
				{name: "netconn", clients: echoing(b, ours, conns)},
				{name: "net", clients: echoing(b, theirs, conns)},
			}
			const slice = 6400
			for n := 0; n < b.N; n += slice {
				for i := range sides {
					s := &sides[i]
					began, used := time.Now(), cpu()
					rounds(b, s.clients, min(slice, b.N-n))
					s.wall += time.Since(began)
					s.cpu += cpu() - used
				}
			}
			b.ReportMetric(0, "ns/op") // of both
			for _, s := range sides {
				b.ReportMetric(float64(s.wall.Nanoseconds())/float64(b.N), s.name+"-ns/op")
				b.ReportMetric(float64(s.cpu.Nanoseconds())/float64(b.N), s.name+"-cpu-ns/op")
			}
		})
	}
}

// echoing serves l, and returns clients of it.
func echoing(b *testing.B, l net.Listener, n int) (clients []net.Conn) {
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 64)
				for {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					if _, err := c.Write(buf[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	for range n {
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(b, err)
		b.Cleanup(func() { c.Close() })
		clients = append(clients, c)
	}
	return clients
}

// rounds makes n echoes, all clients at once.
func rounds(b *testing.B, clients []net.Conn, n int) {
	var all sync.WaitGroup
	for i, c := range clients {
		all.Go(func() {
			buf := make([]byte, 64)
			for range (n + len(clients) - 1 - i) / len(clients) {
				if _, err := c.Write(buf); err != nil {
					b.Error(err)
					return
				}
				if _, err := io.ReadFull(c, buf); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// cpu is what the process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
