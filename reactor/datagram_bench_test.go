package reactor_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/torsion-go/torsion/internal/socket"
	"github.com/torsion-go/torsion/reactor"
)

// What an echoed datagram costs a server in processor time, user and system, when a
// client has 32 on their way, beside a goroutine with a net.UDPConn. The servers are
// processes of their own, of one processor.
//
//	go test -run '^$' -bench DatagramEcho -benchmem ./reactor
func BenchmarkDatagramEcho(b *testing.B) {
	for _, size := range []int{64, 1200} {
		for _, kind := range []string{"torsion", "net"} {
			b.Run(fmt.Sprintf("%d/%s", size, kind), func(b *testing.B) { benchmarkEcho(b, kind, size) })
		}
	}
}

func benchmarkEcho(b *testing.B, kind string, size int) {
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), "TORSION_DATAGRAM_ECHO="+kind, "GOMAXPROCS=1")
	in, err := server.StdinPipe()
	require.NoError(b, err)
	stdout, err := server.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, server.Start())
	defer server.Wait()
	defer in.Close()
	out := bufio.NewScanner(stdout)
	require.True(b, out.Scan())
	addr, err := net.ResolveUDPAddr("udp4", out.Text())
	require.NoError(b, err)
	c := talk(b, "udp4", addr).(*net.UDPConn)
	spent := func() int {
		fmt.Fprintln(in)
		require.True(b, out.Scan())
		n, err := strconv.Atoi(out.Text())
		require.NoError(b, err)
		return n
	}
	before := spent()
	b.ResetTimer()
	for done := 0; done < b.N; {
		done += volley(b, c, size)
	}
	b.StopTimer()
	b.ReportMetric(float64(spent()-before)/float64(b.N), "cpu-ns/op")
	b.ReportAllocs()
}

// volley sends 32 datagrams by one call and waits for their echoes.
func volley(b *testing.B, c *net.UDPConn, size int) int {
	var io socket.IO
	ms := make([]socket.Datagram, socket.Batch)
	for i := range ms {
		ms[i].Data = make([]byte, size)
	}
	raw, err := c.SyscallConn()
	require.NoError(b, err)
	require.NoError(b, raw.Control(func(fd uintptr) {
		n, e := io.SendDatagrams(int(fd), ms)
		if n != len(ms) || e != 0 {
			panic(e)
		}
	}))
	require.NoError(b, c.SetReadDeadline(time.Now().Add(time.Second)))
	for range ms {
		if _, err := c.Read(ms[0].Data); err != nil {
			break // some were lost
		}
	}
	return len(ms)
}

// serveDatagramEcho is the server: it says where it is, and for each line on standard
// input the nanoseconds that it has used.
func serveDatagramEcho(kind string) {
	if kind == "net" {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			panic(err)
		}
		fmt.Println(c.LocalAddr())
		go func() {
			buf := make([]byte, 1<<16)
			for {
				n, from, err := c.ReadFromUDPAddrPort(buf)
				if err != nil {
					panic(err)
				}
				_, _ = c.WriteToUDPAddrPort(buf[:n], from)
			}
		}()
	} else {
		r, err := reactor.New(reactor.Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			panic(err)
		}
		p, err := r.ListenDatagram("udp4", "127.0.0.1:0", echoing())
		if err != nil {
			panic(err)
		}
		fmt.Println(p.Addr())
		go r.Run(context.Background())
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			panic(err)
		}
		fmt.Println(u.Utime.Nano() + u.Stime.Nano())
	}
}
