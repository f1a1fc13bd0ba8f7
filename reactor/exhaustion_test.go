package reactor_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/reactor"
)

// TestMain lets the test binary be the server with few descriptors, or that of a benchmark.
func TestMain(m *testing.M) {
	if kind := os.Getenv("TORSION_DATAGRAM_ECHO"); kind != "" {
		serveDatagramEcho(kind)
		return
	}
	if os.Getenv("TORSION_FEW_DESCRIPTORS") != "" {
		serveWithFewDescriptors()
		return
	}
	os.Exit(m.Run())
}

// serveWithFewDescriptors echoes, and for each line on standard input prints how
// many turns there were, how many it turned away and how much processor time it used.
func serveWithFewDescriptors() {
	limit := unix.Rlimit{Cur: 64, Max: 64}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		panic(err)
	}
	r, err := reactor.New(reactor.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	p, err := r.Listen("tcp", "127.0.0.1:0", serving(probe{data: echo}))
	if err != nil {
		panic(err)
	}
	fmt.Println(p.Addr())
	go func() {
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			s := r.Stats()
			fmt.Println(s.Turns, s.Shed, s.Connections)
		}
		r.Stop()
	}()
	if err := r.Run(context.Background()); err != nil {
		panic(err)
	}
}

// With 64 descriptors and 300 clients the server serves those that it has, turns
// the others away, does not spin, and accepts again when descriptors are free.
func TestOutOfDescriptors(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TORSION_FEW_DESCRIPTORS=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewReader(out)
	addr, err := lines.ReadString('\n')
	require.NoError(t, err)
	stats := func() (turns, shed, conns int) {
		fmt.Fprintln(in)
		_, err := fmt.Fscan(lines, &turns, &shed, &conns)
		require.NoError(t, err)
		return turns, shed, conns
	}

	var served []net.Conn
	results := make(chan net.Conn)
	for range 300 {
		go func() {
			c, err := net.DialTimeout("tcp", addr[:len(addr)-1], patient)
			if err == nil && !echoes(c, patient) {
				c.Close()
				c = nil
			}
			results <- c
		}()
	}
	for range 300 {
		if c := <-results; c != nil {
			served = append(served, c)
		}
	}
	assert.Greater(t, len(served), 30, "some are served")
	assert.Less(t, len(served), 64)

	before, shed, conns := stats()
	assert.Positive(t, shed)
	assert.LessOrEqual(t, conns, 64)
	for _, c := range served {
		assert.True(t, echoes(c, patient), "those who are connected notice nothing")
	}
	after, _, _ := stats()
	assert.Less(t, after-before, 4*len(served)+100, "it does not spin")

	for _, c := range served {
		c.Close()
	}
	require.Eventually(t, func() bool {
		c, err := net.DialTimeout("tcp", addr[:len(addr)-1], patient)
		if err != nil {
			return false
		}
		defer c.Close()
		return echoes(c, 2*time.Second)
	}, patient, 10*time.Millisecond, "it accepts again")
	in.Close()
	assert.NoError(t, cmd.Wait())
}

// echoes reports whether c is answered within d.
func echoes(c net.Conn, d time.Duration) bool {
	_ = c.SetDeadline(time.Now().Add(d))
	if _, err := c.Write([]byte("hello")); err != nil {
		return false
	}
	var buf [5]byte
	_, err := io.ReadFull(c, buf[:])
	return err == nil
}

// Where there is one descriptor too few a Unix port leaves no file behind.
func TestPortWithoutDescriptorLeavesNoFile(t *testing.T) {
	r := start(t, reactor.Config{})
	dir := t.TempDir()
	peer := filepath.Join(dir, "peer")
	_, err := r.ListenDatagram("unixgram", peer, echoing())
	require.NoError(t, err)
	own := filepath.Join(dir, "own")
	n := r.Tuned(factory.Socket{LocalPath: own}).(factory.DatagramNetwork)
	for name, open := range map[string]func() error{
		"listen":          func() error { _, err := r.Listen("unix", own, serving(probe{})); return err },
		"listen datagram": func() error { _, err := r.ListenDatagram("unixgram", own, echoing()); return err },
		"dial datagram":   func() error { _, err := n.ConnectDatagram("unixgram", peer, echoing()); return err },
	} {
		t.Run(name, func(t *testing.T) {
			allowDescriptors(t, 1)
			assert.ErrorIs(t, open(), syscall.EMFILE)
			_, err := os.Lstat(own)
			assert.ErrorIs(t, err, os.ErrNotExist)
		})
	}
}

// A loop of a pool for which there is no socket serves what the others accept, and the
// log has why.
func TestPoolListensWithFewerSockets(t *testing.T) {
	var log bytes.Buffer // Listen writes it
	pool := runPool(t, 3, reactor.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	var port factory.Port
	t.Run("few", func(t *testing.T) {
		allowDescriptors(t, 2) // the second is for the moment
		var err error
		port, err = pool.Listen("tcp", "127.0.0.1:0", same(serving(probe{data: echo})))
		require.NoError(t, err)
		if runtime.GOOS == "linux" {
			assert.Contains(t, log.String(), "too many open files")
		}
	})
	for range 6 {
		require.True(t, echoes(dial(t, port.Addr()), patient))
	}
	for _, r := range pool.Reactors() {
		assert.Positive(t, r.Stats().Connections)
	}
}

// allowDescriptors lets the process open n more, until the test ends.
func allowDescriptors(t *testing.T, n int) {
	t.Helper()
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	few := limit
	few.Cur = 0
	for range n {
		fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		require.NoError(t, err)
		defer unix.Close(fd)
		for int(few.Cur) <= fd { // its type differs by system
			few.Cur++
		}
	}
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &few))
	t.Cleanup(func() { assert.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)) })
}
