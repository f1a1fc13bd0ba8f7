package main_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/examples/internal/programtest"
)

// These measure the processor time that a proxy takes, of one core: ours, and two of
// package net beside it. One lets io.Copy leave the bytes in the kernel (splice); the
// other cannot, like all that have something else than a socket on one side.
//
//	go test -run '^$' -bench RoundTrip -benchtime 100000x ./examples/proxy
//	go test -run '^$' -bench Bulk -benchtime 4000x ./examples/proxy

// A message of 64 bytes goes there and back, on some connections at a time.
func BenchmarkRoundTrip(b *testing.B) {
	for _, conns := range []int{1, 50} {
		eachProxy(b, fmt.Sprintf("conns=%d/", conns), func(b *testing.B, p *proxy) {
			var all sync.WaitGroup
			for range conns {
				client, server := benchPair(b, p)
				go io.Copy(server, server) // until the benchmark closes it
				all.Go(func() { pingPong(b, client, max(1, b.N/conns)) })
			}
			all.Wait()
		})
	}
}

func pingPong(b *testing.B, c net.Conn, times int) {
	var message [64]byte
	for range times {
		if _, err := c.Write(message[:]); err != nil {
			b.Error(err)
			return
		}
		if _, err := io.ReadFull(c, message[:]); err != nil {
			b.Error(err)
			return
		}
	}
}

// A MiB goes one way.
func BenchmarkBulk(b *testing.B) {
	eachProxy(b, "", func(b *testing.B, p *proxy) {
		client, server := benchPair(b, p)
		go func() {
			mib := make([]byte, 1<<20)
			for range b.N {
				if _, err := server.Write(mib); err != nil {
					break // the client sees how much is missing
				}
			}
			server.CloseWrite()
		}()
		n, err := io.Copy(plain{io.Discard}, client)
		require.NoError(b, err)
		require.Equal(b, int64(b.N)<<20, n)
	})
}

// eachProxy runs f with each proxy and reports its processor time.
func eachProxy(b *testing.B, prefix string, f func(b *testing.B, p *proxy)) {
	self, err := os.Executable()
	require.NoError(b, err)
	b.Setenv("GOMAXPROCS", "1")
	for _, c := range []struct{ name, program, kind string }{
		{"torsion", programtest.Path, ""}, {"net", self, "splice"}, {"net without splice", self, "copy"},
	} {
		b.Run(prefix+c.name, func(b *testing.B) {
			b.Setenv(netProxy, c.kind)
			p := startProgram(b, c.program)
			before := p.cpu(b)
			f(b, p)
			b.ReportMetric(float64((p.cpu(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

// benchPair is a pair without a deadline.
func benchPair(b *testing.B, p *proxy) (client, server *net.TCPConn) {
	client, server = p.pair(b)
	require.NoError(b, client.SetDeadline(time.Time{}))
	require.NoError(b, server.SetDeadline(time.Time{}))
	return client, server
}

// cpu is the processor time that the program has had.
func (p *proxy) cpu(b *testing.B) (total time.Duration) {
	b.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.Process.Pid))
	require.NoError(b, err)
	if len(threads) == 0 {
		b.Skip("no /proc here")
	}
	for _, t := range threads {
		text, err := os.ReadFile(t)
		require.NoError(b, err)
		ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		require.NoError(b, err)
		total += time.Duration(ns)
	}
	return total
}

// netProxy is the environment variable that makes this test a proxy of package net.
const netProxy = "TORSION_TEST_NET_PROXY"

// serveWithNet is such a proxy; its arguments are those of ours.
func serveWithNet(kind, listen, connect string) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		panic(err)
	}
	fmt.Println("listening on", l.Addr())
	for {
		client, err := l.Accept()
		if err != nil {
			panic(err)
		}
		go func() {
			server, err := net.Dial("tcp", connect)
			if err != nil {
				client.Close()
				return
			}
			go forward(kind, client.(*net.TCPConn), server.(*net.TCPConn))
			forward(kind, server.(*net.TCPConn), client.(*net.TCPConn))
		}()
	}
}

func forward(kind string, from, to *net.TCPConn) {
	if kind == "splice" {
		io.Copy(to, from)
	} else {
		io.CopyBuffer(plain{to}, struct{ io.Reader }{from}, make([]byte, 64<<10))
	}
	to.CloseWrite()
}

// plain is a Writer and nothing else.
type plain struct{ io.Writer }
