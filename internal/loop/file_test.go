package loop_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/internal/loop"
	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/protocol"
)

// A sending protocol has one connection, and notes what becomes of its files.
type sending struct {
	*noted
	k   *memnet.Kernel
	end *memnet.End
}

// sender connects one whose peer takes room bytes without reading them.
func sender(t *testing.T, c loop.Config, s factory.Socket, room int) *sending {
	p := &sending{noted: &noted{}, k: newKernel(t, c)}
	p.end = adopted(t, p.k, p.noted, s, nil)
	p.end.Room(room)
	p.k.Settle()
	return p
}

// send sends all of f; what done is told joins the log.
func (p *sending) send(f *os.File) {
	p.Transport.(protocol.FileSender).SendFile(f, 0, -1, func(sent int64, err error) {
		p.log = append(p.log, fmt.Sprint("sent ", sent, " ", err))
	})
}

// files sends all of f n times, in the connection's own turn.
func (p *sending) files(f *os.File, n int) {
	p.onData = func([]byte) {
		for range n {
			p.send(f)
		}
	}
	p.end.Write([]byte("x"))
	p.k.Settle()
}

// The kernel may have room again, and have said so, before the loop knows that a
// worker has found it full.
func TestRoomIsNotMissed(t *testing.T) {
	p := sender(t, loop.Config{Inline: true}, factory.Socket{}, 1000)
	do(p.k, func() { p.PauseReading() })
	p.end.Write([]byte("makes it quiet"))
	p.k.Settle()
	var got []byte
	p.k.Faults.Sending = func() {
		got = append(got, p.end.Read()...)
		p.k.Step()
	}
	content := bytes.Repeat([]byte("0123456789"), 1000)
	do(p.k, func() { p.send(hosttest.File(t, content)) })
	assert.Equal(t, content, append(got, p.end.Read()...))
	assert.Equal(t, []string{"sent 10000 <nil>"}, p.log)
}

// SlowPeerTimeout counts from the last byte that was taken of a file, and ends a
// connection of which none is taken.
func TestSlowPeerOfAFile(t *testing.T) {
	for _, read := range []bool{false, true} {
		p := sender(t, loop.Config{Inline: true}, factory.Socket{}, 1000)
		p.k.Faults.NoFiles = read
		do(p.k, func() { p.send(hosttest.File(t, make([]byte, 10000))) })
		for range 5 {
			p.k.Advance(119 * time.Second)
			assert.Empty(t, p.log)
			p.end.Read()
			p.k.Settle()
		}
		p.k.Advance(119 * time.Second)
		assert.Empty(t, p.log)
		p.k.Advance(time.Second)
		assert.Equal(t, []string{"sent 6000 " + protocol.ErrSlowPeer.Error(), "lost"}, p.log)
		assert.EqualValues(t, 1, p.k.Loop.Figures().SlowPeers)
	}
}

// So does CloseTimeout, when the connection is closing.
func TestCloseTimeoutOfAFile(t *testing.T) {
	p := sender(t, loop.Config{Inline: true}, factory.Socket{SlowPeerTimeout: -1}, 1000)
	do(p.k, func() { p.send(hosttest.File(t, make([]byte, 10000))) })
	p.k.Advance(119 * time.Second)
	do(p.k, func() { p.LoseConnection() })
	p.k.Advance(29 * time.Second)
	assert.Empty(t, p.log)
	p.end.Read()
	p.k.Settle()
	p.k.Advance(29 * time.Second)
	assert.Empty(t, p.log)
	p.k.Advance(time.Second)
	assert.Equal(t, []string{"sent 2000 " + protocol.ErrCloseTimeout.Error(), "lost"}, p.log)
}

// A peer that takes a file at the last moment is tried before it is given up.
func TestSlowPeerOfAFileIsTried(t *testing.T) {
	p := sender(t, loop.Config{Inline: true}, factory.Socket{}, 1000)
	do(p.k, func() { p.send(hosttest.File(t, make([]byte, 1500))) })
	p.end.Read() // and nobody says so
	p.k.Skip(3 * time.Minute)
	assert.Equal(t, []string{"sent 1500 <nil>"}, p.log)
}

// held blocks the first worker inside SendFile until release is closed.
func (p *sending) held() (began, release chan struct{}) {
	began, release = make(chan struct{}), make(chan struct{})
	first := true
	p.k.Faults.Sending = func() {
		if first {
			first = false
			close(began)
			<-release
		}
	}
	return began, release
}

// A connection that ends while a worker has its descriptor is closed when that is
// back, and not before; meanwhile it hears nothing.
func TestEndWaitsForTheWorker(t *testing.T) {
	p := sender(t, loop.Config{}, factory.Socket{}, 1<<20)
	began, release := p.held()
	do(p.k, func() {
		p.send(hosttest.File(t, make([]byte, 10000)))
		p.AfterFunc(time.Second, func() { t.Error("a timer outlived its connection") })
	})
	<-began
	do(p.k, func() { p.Abort(); p.end.Write([]byte("unheard")) })
	p.k.Advance(time.Minute)
	assert.Empty(t, p.log)
	assert.False(t, p.end.Ended())
	close(release)
	for p.reason == nil {
		p.k.Settle()
	}
	assert.Equal(t, []string{"sent 10000 " + protocol.ErrConnectionAborted.Error(), "lost"}, p.log)
	assert.True(t, p.end.Ended())
}

// A file that no worker has begun with holds up no end.
func TestEndDoesNotWaitForWorkers(t *testing.T) {
	p := sender(t, loop.Config{Workers: 1}, factory.Socket{}, 1<<20)
	release := make(chan struct{})
	require.NoError(t, p.k.Loop.Work(func() { <-release }))
	do(p.k, func() { p.send(hosttest.File(t, make([]byte, 10000))) })
	do(p.k, func() { p.Abort() })
	assert.Equal(t, []string{"sent 0 " + protocol.ErrConnectionAborted.Error(), "lost"}, p.log)
	do(p.k, p.k.Loop.Stop)
	close(release)
	for !p.k.Loop.Finished() {
		p.k.Settle()
	}
}

// The end of the loop, in whatever hurry, waits for whoever has a descriptor.
func TestStopWaitsForTheWorker(t *testing.T) {
	for name, end := range map[string]func(*loop.Loop){
		"second Stop": func(l *loop.Loop) { l.Stop(); l.Stop(); l.Bell() },
		"crash":       (*loop.Loop).Crash,
	} {
		t.Run(name, func(t *testing.T) {
			p := sender(t, loop.Config{Logger: slog.New(slog.DiscardHandler)}, factory.Socket{}, 1<<20)
			began, release := p.held()
			do(p.k, func() { p.send(hosttest.File(t, make([]byte, 10000))) })
			<-began
			go func() {
				for p.k.Loop.Work(func() {}) == nil { // until it stops
				}
				assert.False(t, p.k.Loop.Finished())
				close(release)
			}()
			end(p.k.Loop)
			assert.True(t, p.k.Loop.Finished())
			require.Len(t, p.log, 2)
			assert.Contains(t, p.log[0], "sent 10000 ")
			assert.ErrorIs(t, p.reason, protocol.ErrConnectionAborted)
			assert.ErrorIs(t, p.reason, protocol.ErrShutdown)
			assert.True(t, p.end.Ended())
		})
	}
}

// One file, however long, does not pause reading; many do, however short they are.
func TestFilesWeighTheSame(t *testing.T) {
	most := 256 << 10 / protocol.FileWeight
	p := sender(t, loop.Config{Inline: true}, factory.Socket{}, 0)
	empty := hosttest.File(t, nil)
	do(p.k, func() { p.Write([]byte("x")) })
	p.files(empty, most-1)
	do(p.k, func() {
		assert.True(t, p.Reading())
		assert.Equal(t, 1+(most-1)*protocol.FileWeight, p.Buffered())
	})
	p.files(empty, 1)
	do(p.k, func() { assert.False(t, p.Reading()) })
	p.log = nil
	p.end.Room(1 << 20)
	p.k.Settle()
	assert.Equal(t, slicesOf("sent 0 <nil>", most), p.log)
	do(p.k, func() { assert.True(t, p.Reading()); assert.Zero(t, p.Buffered()) })
}

func slicesOf(s string, n int) (all []string) {
	for range n {
		all = append(all, s)
	}
	return all
}

// What others send to a peer that takes nothing is bounded, files too.
func TestFilesOfOthersAreBounded(t *testing.T) {
	p := sender(t, loop.Config{Inline: true}, factory.Socket{MaxBacklog: 4 * protocol.FileWeight}, 0)
	f := hosttest.File(t, make([]byte, 100))
	do(p.k, func() {
		for range 5 {
			p.send(f)
		}
	})
	assert.Empty(t, p.log)
	do(p.k, func() { p.send(f); assert.Empty(t, p.log) })
	assert.ErrorIs(t, p.reason, protocol.ErrSlowPeer)
	assert.Len(t, p.log, 7)
	assert.Contains(t, p.log, "sent 0 "+net.ErrClosed.Error())
}

// A panic in done ends the connection, and the log says where it was.
func TestPanicInDone(t *testing.T) {
	var log bytes.Buffer
	p := sender(t, loop.Config{Inline: true, Logger: slog.New(slog.NewTextHandler(&log, nil))}, factory.Socket{}, 1000)
	f := hosttest.File(t, nil)
	do(p.k, func() {
		p.Transport.(protocol.FileSender).SendFile(f, 0, 0, func(int64, error) { panic("done") })
		p.send(f)
	})
	var panicked *protocol.PanicError
	require.ErrorAs(t, p.reason, &panicked)
	assert.Equal(t, []string{"sent 0 panic in a protocol: done", "lost"}, p.log)
	assert.Contains(t, log.String(), "noted).SendFile")
}

// A brokenSender is a kernel whose SendFile finds the connection broken.
type brokenSender struct {
	*memnet.Kernel
	e syscall.Errno
}

func (k brokenSender) SendFile(int, *os.File, int64, int64) (int64, syscall.Errno) { return 0, k.e }

// What sendfile says of the socket is the reason, behind what the peer said last.
func TestSendFileFindsTheReset(t *testing.T) {
	k := memnet.New(loop.Config{})
	l := loop.New(brokenSender{k, syscall.ECONNRESET}, loop.Config{Inline: true, Watchdog: -1})
	leave, err := l.Start()
	require.NoError(t, err)
	defer leave()
	p := &noted{}
	fd, end := k.Pair(anAddr, anAddr)
	require.NoError(t, l.Adopt(fd, anAddr, factory.Each(func() protocol.Protocol { return p }), factory.Socket{}, nil))
	l.Bell()
	end.Write([]byte("550 no"))
	told := errors.New("not told")
	_ = l.Call(func() {
		p.Transport.(protocol.FileSender).SendFile(hosttest.File(t, []byte("x")), 0, 1, func(_ int64, err error) { told = err })
	})
	for range 3 {
		l.Bell()
	}
	assert.Equal(t, []string{"data 550 no", "lost"}, p.log)
	assert.Equal(t, os.NewSyscallError("sendfile", syscall.ECONNRESET), p.reason)
	assert.Equal(t, p.reason, told)
}

// While a connection that has failed waits to be told, a file is taken as a Write
// is, and told the reason.
func TestSendFileOnAFailedConnection(t *testing.T) {
	p := sender(t, loop.Config{Inline: true}, factory.Socket{}, 1000)
	f := hosttest.File(t, make([]byte, 10))
	do(p.k, func() {
		p.end.Reset()
		p.Write(make([]byte, 20000)) // finds the reset at once
		p.send(f)
	})
	require.Len(t, p.log, 2)
	assert.Equal(t, "sent 0 "+p.reason.Error(), p.log[0])
	assert.True(t, protocol.IsReset(p.reason))
}

// A file that cannot be read ends the connection, and so does one that is too
// short, whether the kernel sends files or not. The error names the file.
func TestBadFilesEndTheConnection(t *testing.T) {
	closed := hosttest.File(t, []byte("closed"))
	closed.Close()
	short := hosttest.File(t, []byte("short"))
	for _, c := range []struct {
		f      *os.File
		off, n int64
		want   error
	}{
		{nil, 0, 1, os.ErrInvalid},
		{closed, 0, 1, os.ErrClosed},
		{short, 0, 6, io.ErrUnexpectedEOF},
		{short, 7, 1, io.ErrUnexpectedEOF},
		{short, math.MaxInt64, 1, nil},
		{short, -1, 1, nil},
	} {
		for _, noFiles := range []bool{false, true} {
			p := sender(t, loop.Config{Inline: true}, factory.Socket{}, 1000)
			p.k.Faults.NoFiles = noFiles
			var told error
			do(p.k, func() {
				p.Transport.(protocol.FileSender).SendFile(c.f, c.off, c.n, func(_ int64, err error) { told = err })
				p.Write([]byte("behind it"))
			})
			assert.Error(t, p.reason)
			assert.Equal(t, p.reason, told)
			assert.NotContains(t, string(p.end.Read()), "behind")
			if c.want != nil {
				assert.ErrorIs(t, told, c.want)
			}
			if c.want == io.ErrUnexpectedEOF {
				assert.Contains(t, told.Error(), short.Name())
			}
		}
	}
}
