package protocol_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

// chunk is how much a FileReader reads at a time.
const chunk = 128 << 10

// noise is content in which nothing stands twice.
func noise(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(p) // never fails
	return p
}

// A readerUser takes all that a FileReader has, as it comes.
type readerUser struct {
	r     *protocol.FileReader
	got   []byte
	err   error
	ready int // calls
}

func (u *readerUser) take() {
	for u.err == nil {
		p, err := u.r.Next()
		if p == nil && err == nil {
			return
		}
		u.got = append(u.got, p...)
		u.err = err
	}
}

// read reads a part of f on a loop of its own.
func read(l protocol.Loop, f *os.File, off, n int64) *readerUser {
	u := &readerUser{}
	u.r = protocol.NewFileReader(l, f, off, n, func() { u.ready++; u.take() })
	return u
}

// All that was asked for comes, whatever its length, and then io.EOF.
func TestFileReaderReadsAll(t *testing.T) {
	tr := protocoltest.Connect(&bare{})
	content := noise(3*chunk + 5)
	for _, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 3*chunk + 5} {
		f := hosttest.File(t, content[:size])
		for _, off := range []int{0, 1, chunk, size} {
			if off > size {
				continue
			}
			for _, n := range []int{-1, size - off, (size - off) / 2} {
				u := read(tr.Loop(), f, int64(off), int64(n))
				tr.Do(u.take)
				want := content[off:size]
				if n >= 0 {
					want = want[:n]
				}
				assert.True(t, bytes.Equal(want, u.got), "%d bytes from %d of %d", n, off, size)
				assert.Equal(t, io.EOF, u.err)
				tr.Do(func() {
					u.r.Close()
					_, err := u.r.Next()
					assert.ErrorIs(t, err, os.ErrClosed)
				})
			}
		}
	}
}

// One chunk is read ahead of the one that was taken, and no more; what Next has
// answered stays as it is until it is called again.
func TestFileReaderReadsOneAhead(t *testing.T) {
	tr := protocoltest.Connect(&bare{})
	content := noise(4 * chunk)
	f := hosttest.File(t, content)
	r := protocol.NewFileReader(tr.Loop(), f, 0, 4*chunk, func() {})
	next := func() (p []byte, err error) {
		tr.Do(func() { p, err = r.Next() })
		return p, err
	}
	p, err := next()
	assert.True(t, p == nil && err == nil, "nothing was read before it was asked for")
	first, _ := next()
	assert.True(t, bytes.Equal(content[:chunk], first))
	require.NoError(t, os.Truncate(f.Name(), 0))
	assert.True(t, bytes.Equal(content[:chunk], first))
	second, _ := next()
	assert.True(t, bytes.Equal(content[chunk:2*chunk], second), "it had been read")
	_, err = next()
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.ErrorContains(t, err, f.Name())
	_, err = next()
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF, "it stays so")
}

// After Close nobody is called, and the file is not used.
func TestFileReaderCloses(t *testing.T) {
	tr := protocoltest.Connect(&bare{})
	f := hosttest.File(t, noise(chunk))
	u := read(tr.Loop(), f, 0, -1)
	tr.Do(func() {
		u.take()
		u.r.Close()
		f.Close()
	})
	assert.Zero(t, u.ready)
	assert.Empty(t, u.got)
}

// A loopOnly is a loop that is no Worker; a stopped one takes no work.
type loopOnly struct{ protocol.Loop }

type stoppedLoop struct{ protocol.Loop }

func (stoppedLoop) Work(func()) error { return protocol.ErrStopped }

// What stands in the way of reading is the error, behind what came before it.
func TestFileReaderFails(t *testing.T) {
	tr := protocoltest.Connect(&bare{})
	f, closed := hosttest.File(t, []byte("short")), hosttest.File(t, nil)
	closed.Close()
	for _, c := range []struct {
		l      protocol.Loop
		f      *os.File
		off, n int64
		want   error
		got    string
	}{
		{tr.Loop(), f, 0, 6, io.ErrUnexpectedEOF, "short"},
		{tr.Loop(), f, 6, 1, io.ErrUnexpectedEOF, ""},
		{tr.Loop(), closed, 0, -1, os.ErrClosed, ""},
		{tr.Loop(), nil, 0, -1, os.ErrInvalid, ""},
		{loopOnly{tr.Loop()}, f, 0, -1, errors.ErrUnsupported, ""},
		{stoppedLoop{tr.Loop()}, f, 0, -1, protocol.ErrStopped, ""},
	} {
		u := read(c.l, c.f, c.off, c.n)
		tr.Do(u.take)
		assert.ErrorIs(t, u.err, c.want)
		assert.Equal(t, c.got, string(u.got))
		tr.Do(u.r.Close)
	}
}

// A shipper notes what became of the files that it sent.
type shipper struct {
	bare
	diary
}

func (s *shipper) send(f *os.File, off, n int64) {
	inside := true
	protocolSender(s.Transport).SendFile(f, off, n, func(sent int64, err error) {
		if inside {
			s.note("inside SendFile!")
		}
		s.note(fmt.Sprint(sent, " ", err))
	})
	inside = false
}

func (s *shipper) ConnectionLost(error) { s.note("lost") }

func protocolSender(t protocol.Transport) protocol.FileSender {
	s, _ := protocol.As[protocol.FileSender](t)
	return s
}

// Layers that change nothing leave files to the transport, in order with Write.
func TestLayerSendsFilesBelow(t *testing.T) {
	eachStack(t, func(t *testing.T, n int) {
		s := &shipper{}
		_, all := stacked(n, s)
		tr := protocoltest.Connect(all)
		f := hosttest.File(t, []byte("0123456789"))
		tr.Do(func() {
			s.Write([]byte("("))
			s.send(f, 2, 3)
			s.Write([]byte(")"))
			assert.Equal(t, 2+protocol.FileWeight, s.Buffered())
		})
		assert.Equal(t, "(234)", tr.Take())
		assert.Equal(t, "3 <nil>", s.take())
	})
}

// Where nobody can, done says so, later.
func TestFilesOverAPlainTransport(t *testing.T) {
	host := &bare{}
	tr := protocoltest.Connect(host)
	s := &shipper{}
	protocol.Connect(protocol.Stack(&plain{}, s), &pipe{Transport: tr.Transport})
	tr.Do(func() { s.send(nil, 0, 1) })
	assert.Equal(t, "0 "+errors.ErrUnsupported.Error(), s.take())
}

// coded connects a shipper over a layer that changes bytes.
func coded() (*shipper, *protocoltest.Transport) {
	s := &shipper{}
	return s, protocoltest.Connect(protocol.Stack(&rot13{}, s))
}

// Files that a layer changes follow what was written before, and each other; what is
// written afterwards follows them, and closes wait for all of it.
func TestCodedFilesKeepOrder(t *testing.T) {
	one, two, empty := bytes.Repeat([]byte("one "), chunk/2), bytes.Repeat([]byte("two "), 10), hosttest.File(t, nil)
	f, g := hosttest.File(t, one), hosttest.File(t, two)
	for name, end := range map[string]func(*shipper){
		"LoseConnection": func(s *shipper) { s.LoseConnection() },
		"CloseWrite":     func(s *shipper) { s.CloseWrite() },
	} {
		s, tr := coded()
		tr.Do(func() {
			s.Write([]byte("zero "))
			s.send(f, 0, -1)
			s.Write([]byte("between "))
			s.send(empty, 0, -1)
			s.send(g, 0, 20)
			s.send(f, 0, 0)
			s.Write([]byte("end"))
			end(s)
		})
		want := string(rotate([]byte("zero " + string(one) + "between " + string(two[:20]) + "end")))
		assert.True(t, want == tr.Take(), name)
		assert.True(t, tr.Closed(), name)
		tr.EOF()
		assert.Equal(t, fmt.Sprintf("%d <nil> 0 <nil> 20 <nil> 0 <nil> lost", len(one)), s.take(), name)
		assert.Equal(t, protocol.ErrConnectionDone, tr.Lost())
	}
}

// When all have gone the next begins anew, also from inside done.
func TestCodedFilesFollowEachOther(t *testing.T) {
	s, tr := coded()
	f := hosttest.File(t, []byte("abc"))
	tr.Do(func() {
		protocolSender(s.Transport).SendFile(f, 0, 1, func(int64, error) { s.send(f, 1, 1) })
	})
	assert.Equal(t, "no", tr.Take())
	tr.Do(func() {
		s.send(f, 2, 1)
	})
	assert.Equal(t, "p", tr.Take())
	assert.Equal(t, "1 <nil> 1 <nil>", s.take())
}

// A peer that does not read has one chunk waiting for it, whatever the file's
// length.
func TestCodedFilesWaitForThePeer(t *testing.T) {
	s, tr := coded()
	content := bytes.Repeat([]byte("z"), 10*chunk)
	f := hosttest.File(t, content)
	tr.Stall(true)
	tr.Do(func() { s.send(f, 0, -1) })
	tr.Do(func() {
		assert.Equal(t, chunk+protocol.FileWeight, s.Buffered())
		assert.True(t, s.Reading())
	})
	tr.Stall(false)
	assert.Equal(t, string(rotate(content)), tr.Take())
	assert.Equal(t, fmt.Sprint(10*chunk, " <nil>"), s.take())
}

// The end of the connection tells all files, with the reason; what may not have
// been taken does not count as sent.
func TestCodedFilesAreToldOfTheEnd(t *testing.T) {
	f := hosttest.File(t, noise(3*chunk))
	for name, end := range map[string]func(*shipper, *protocoltest.Transport){
		"Abort": func(s *shipper, tr *protocoltest.Transport) { tr.Do(s.Abort) },
		"reset": func(_ *shipper, tr *protocoltest.Transport) { tr.Reset() },
	} {
		s, tr := coded()
		tr.Do(func() { s.send(f, 0, -1) })
		tr.Take()
		s.take()
		tr.Stall(true)
		tr.Do(func() { s.send(f, 0, -1); s.send(f, 0, 1) })
		end(s, tr)
		reason := tr.Lost().Error()
		assert.Equal(t, "0 "+reason+" 0 "+reason+" lost", s.take(), name)
		tr.Do(func() { s.send(f, 0, 1) })
		assert.Equal(t, "0 "+net.ErrClosed.Error(), s.take(), name)
	}
}

// A file that is too short ends the connection.
func TestCodedFilesFail(t *testing.T) {
	s, tr := coded()
	f := hosttest.File(t, []byte("abc"))
	tr.Do(func() { s.send(f, 0, 4); s.send(f, 0, 1) })
	assert.ErrorIs(t, tr.Lost(), io.ErrUnexpectedEOF)
	assert.Equal(t, "nop", tr.Take())
	why := tr.Lost().Error()
	assert.Equal(t, "3 "+why+" 0 "+why+" lost", s.take())
}

// On a connection that is closing there is no place for a file.
func TestCodedFilesAreRefused(t *testing.T) {
	s, tr := coded()
	f := hosttest.File(t, []byte("abc"))
	tr.Do(func() {
		s.LoseConnection()
		s.send(f, 0, 1)
	})
	assert.Equal(t, "0 "+net.ErrClosed.Error()+" lost", s.take())
}

// What is done behind something is done when that has gone through, whatever it was
// and however little goes at a time, and not if the connection ends before.
func TestBehindKeepsItsPlace(t *testing.T) {
	f := hosttest.File(t, []byte("file"))
	for _, n := range []int{1, 2, 3, 100} {
		s := &shipper{}
		d := protocol.Stack(&dripping{n: n}, s)
		tr := protocoltest.Connect(d)
		say := func(text string) { d.Behind(func() { d.Below.Write([]byte(text)) }) }
		tr.Do(func() {
			say("[at once]")
			assert.Equal(t, len("[at once]"), d.Below.Buffered())
			s.Write([]byte("abc"))
			say("[1]")
			s.Write([]byte("def"))
			say("[2]")
			say("[3]")
			d.Drained(func(err error) { assert.NoError(t, err) })
			s.send(f, 0, -1)
			say("[4]")
			s.send(f, 1, 1)
			s.Write([]byte("g"))
			say("[5]")
			s.LoseConnection()
		})
		tr.Advance(time.Second)
		assert.Equal(t, "[at once]abc[1]def[2][3]file[4]ig[5]", tr.Take(), n)
		assert.Equal(t, "4 <nil> 1 <nil> lost", s.take())
	}
	s := &shipper{}
	v, tr := gated(s)
	tr.Do(func() {
		s.Write([]byte("abc"))
		v.Behind(func() { s.note("not any more") })
		s.Abort()
	})
	assert.Equal(t, "lost", s.take())
}
