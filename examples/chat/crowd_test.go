package main_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/examples/internal/programtest"
	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/chat"
	"github.com/torsion-go/torsion/reactor"
)

const (
	crowd     = 200
	lineWidth = 4000
	perRound  = 32 // lines said before everyone has to have read them
)

// One of 200 reads nothing while 40 MiB are said (2 with -race, which checks each
// delivery). He is dropped; all others read
// every line, in order, and one more: that he has gone.
func TestStuckReaderDisturbsNobody(t *testing.T) {
	if testing.Short() {
		t.Skip("8 GB over loopback")
	}
	room := chat.Room{Interval: -1, MaxLine: lineWidth}
	r, addr := serveInside(t, &room)

	stuck := visit(t, addr)
	require.NoError(t, stuck.Conn.(*net.TCPConn).SetReadBuffer(4<<10))
	stuck.greeted()
	stuck.SayLine("/NAME stuck")
	stuck.HearLines("127.0.0.1 changed name to stuck")
	readers := make([]*reader, crowd-1)
	for i := range readers {
		readers[i] = &reader{client: visit(t, addr)}
		readers[i].In = bufio.NewReaderSize(readers[i].Conn, 64<<10)
		readers[i].greeted()
	}
	speaker := readers[0]
	speaker.SayLine("/NAME speaker")
	for n := 0; n < said; n += perRound * lineWidth {
		lines, heard := round(n)
		_, err := speaker.Write(lines)
		require.NoError(t, err)
		everyone(t, readers, heard)
	}
	told := 0
	for _, reader := range readers {
		told += reader.gone
	}
	assert.Equal(t, crowd-1, told, "that the stuck one has gone")
	assert.EqualValues(t, 1, r.Stats().SlowPeers)
	n, err := protocol.Ask(t.Context(), r, room.Len)
	require.NoError(t, err)
	assert.Equal(t, crowd-1, n)
}

// visit connects to a reactor of ours.
func visit(t *testing.T, addr string) client {
	t.Helper()
	return client{programtest.Dial(t, "tcp", addr)}
}

// serveInside runs a reactor with the room until the test ends.
func serveInside(t *testing.T, room *chat.Room) (*reactor.Reactor, string) {
	t.Helper()
	small := factory.Socket{WriteBuffer: 64 << 10} // or the kernel holds megabytes for who reads nothing
	r, err := reactor.New(reactor.Config{DrainTimeout: time.Millisecond, Socket: small})
	require.NoError(t, err)
	port, err := r.Listen("tcp", "127.0.0.1:0", room)
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- r.Run(context.Background()) }()
	t.Cleanup(func() {
		r.Stop()
		assert.NoError(t, <-ended)
	})
	return r, port.Addr().String()
}

// round returns lines, each with a number, and what is heard of them.
func round(first int) (lines []byte, heard [][]byte) {
	fill := strings.Repeat("x", lineWidth-10)
	for i := range perRound {
		line := fmt.Sprintf("%010d%s\r\n", first+i, fill)
		lines = append(lines, line...)
		heard = append(heard, []byte("speaker says "+line))
	}
	return lines, heard
}

// A reader is one who reads.
type reader struct {
	client
	gone int // times that the stuck one was said to have disconnected
}

// everyone requires that all have read the lines.
func everyone(t *testing.T, readers []*reader, lines [][]byte) {
	t.Helper()
	var wg sync.WaitGroup
	errs := make([]error, len(readers))
	for i, r := range readers {
		r.SetDeadline(time.Now().Add(programtest.Patience))
		wg.Go(func() { errs[i] = r.hears(lines) })
	}
	wg.Wait()
	for i, err := range errs {
		require.NoError(t, err, "reader %d", i)
	}
}

// hears reads the lines, and what else the room tells.
func (r *reader) hears(lines [][]byte) error {
	for len(lines) > 0 {
		got, err := r.In.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case bytes.Equal(got, lines[0]):
			lines = lines[1:]
		case string(got) == "stuck has disconnected.\r\n":
			r.gone++
		case !bytes.HasSuffix(got, []byte(" has joined the party.\r\n")) && !bytes.HasSuffix(got, []byte(" changed name to speaker\r\n")):
			return fmt.Errorf("%.40q instead of %.40q", got, lines[0])
		}
	}
	return nil
}
