package loop_test

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocol"
)

// A talker does what a script says, in its events and in between, and checks
// every promise that a transport makes.
type talker struct {
	t      *testing.T
	script *script
	tr     protocol.Transport
	other  *talker

	inside           bool // a callback runs
	made             bool
	lost             error
	wrote, heard     int // bytes; byte i of a stream is byte(i*7>>3)
	lose, half, gone bool
	pausedByUs       bool
	mayRead          bool // keep on EOF
	eofs             int
	writerPaused     bool
	drained          int
	marks            int
	files            int  // that SendFile took
	filesDone        int  // of those
	filesLost        int  // of those
	broken           bool // one of them is shorter than it was said to be
	file             *os.File
}

func pattern(i int) byte { return byte(i * 7 >> 3) }

// cycle is when the pattern begins again, so that any part of a stream stands in a
// file that is long enough.
const (
	cycle    = 2048
	fileSize = 50*cycle + 17
)

// patternFile has the beginning of a stream.
func patternFile(t testing.TB) *os.File {
	content := make([]byte, fileSize)
	for i := range content {
		content[i] = pattern(i)
	}
	return hosttest.File(t, content)
}

func (w *talker) event(name string) func() {
	assert.False(w.t, w.inside, "%s inside another event", name)
	assert.NoError(w.t, w.lost, "%s after the last event", name)
	w.inside = true
	return func() { w.inside = false }
}

func (w *talker) ConnectionMade(tr protocol.Transport) {
	defer w.event("ConnectionMade")()
	w.made, w.tr = true, tr
	w.act()
}

func (w *talker) DataReceived(data []byte) {
	defer w.event("DataReceived")()
	assert.True(w.t, w.made)
	assert.NotEmpty(w.t, data)
	assert.False(w.t, w.pausedByUs, "data while paused")
	assert.False(w.t, w.lose || w.gone, "data after the close")
	assert.Zero(w.t, w.eofs, "data after the end of the stream")
	for _, b := range data {
		if b != pattern(w.heard) {
			w.t.Fatalf("byte %d is wrong", w.heard)
		}
		w.heard++
	}
	w.act()
}

func (w *talker) EOFReceived() bool {
	defer w.event("EOFReceived")()
	w.eofs++
	assert.Equal(w.t, 1, w.eofs)
	w.act()
	return w.mayRead
}

func (w *talker) ReadResumed() {
	defer w.event("ReadResumed")()
	assert.True(w.t, w.tr.Reading())
	w.act()
}

func (w *talker) ConnectionLost(reason error) {
	w.event("ConnectionLost")
	w.inside = false
	assert.True(w.t, w.made)
	assert.Error(w.t, reason)
	w.lost = reason
	assert.Equal(w.t, w.marks, w.drained, "all Drained calls are answered")
	assert.Equal(w.t, w.files, w.filesDone, "all files are answered for")
	n, err := w.tr.Write([]byte("x"))
	assert.Zero(w.t, n)
	assert.ErrorIs(w.t, err, net.ErrClosed)
	w.tr.LoseConnection()
	w.tr.Abort()
	w.tr.ResumeReading()
	assert.False(w.t, w.tr.Reading())
}

// pacer is a talker that is told when to pause writing.
type pacer struct{ *talker }

func (p pacer) PauseWriting() {
	defer p.event("PauseWriting")()
	assert.False(p.t, p.writerPaused, "pauses come in pairs")
	p.writerPaused = true
	p.act()
}

func (p pacer) ResumeWriting() {
	defer p.event("ResumeWriting")()
	assert.True(p.t, p.writerPaused, "pauses come in pairs")
	p.writerPaused = false
	p.act()
	p.act()
}

// A script is a finite stream of decisions.
type script struct{ bytes []byte }

func (s *script) next() int {
	if len(s.bytes) == 0 {
		return -1
	}
	b := s.bytes[0]
	s.bytes = s.bytes[1:]
	return int(b)
}

// act does the next thing. It may run in any event.
func (w *talker) act() {
	op := w.script.next()
	if op < 0 || w.tr == nil {
		return
	}
	tr := w.tr
	ended := w.lose || w.gone || w.lost != nil
	switch op % 16 {
	case 0, 1, 2, 3:
		w.write([]int{1, 100, 5000, 20000}[op%4] * (1 + op>>4))
	case 4:
		w.write(0)
	case 5:
		tr.PauseReading()
		w.pausedByUs = !ended && w.lost == nil
	case 6:
		tr.ResumeReading()
		w.pausedByUs = false
	case 7:
		tr.LoseConnection()
		w.lose, w.pausedByUs = true, false
	case 8:
		tr.CloseWrite()
		w.half = true
	case 9:
		if op>>4 < 4 { // not too often
			tr.Abort()
			w.gone = true
		}
	case 10:
		if w.gone {
			return // debug builds panic
		}
		tr.AfterFunc(time.Duration(op>>4)*time.Second, func() {
			assert.False(w.t, w.gone)
			if assert.NoError(w.t, w.lost, "a timer died with its connection") {
				w.act()
			}
		})
	case 11:
		w.marks++
		tr.(protocol.Notifier).Drained(func(err error) {
			w.drained++
			if err == nil {
				defer w.event("Drained")()
				w.act()
				w.act()
			}
		})
	case 12:
		if o := w.other; o.tr != nil && o.lost == nil {
			o.tr.Write(nil) // only touches it
		}
	case 13:
		w.shared(100 * (1 + op>>4))
	case 14:
		b := tr.(protocol.BufferAvailer).AvailableBuffer()
		w.count(tr.Write(w.fill(b[:0], 50)))
	case 15:
		w.sendFile([]int{0, 1, 100, 5000, 20000, 70000, fileSize - cycle, -1, fileSize + 1}[op>>4%9])
	}
}

// sendFile sends the next n bytes of the stream from the file, or all it has if n
// is negative. A file that has fewer breaks the connection.
func (w *talker) sendFile(n int) {
	off := w.wrote % cycle
	length := n
	if n < 0 {
		length = fileSize - off
	}
	_, refused := w.tr.Write(nil)
	number, inside := w.files, true
	done := func(sent int64, err error) {
		assert.False(w.t, inside, "from inside SendFile")
		if refused != nil {
			assert.ErrorIs(w.t, err, net.ErrClosed)
			assert.Zero(w.t, sent)
			return
		}
		assert.Equal(w.t, number, w.filesDone, "in order, and once")
		w.filesDone++
		assert.NoError(w.t, w.lost)
		assert.LessOrEqual(w.t, sent, int64(length))
		if err == nil {
			defer w.event("SendFile")()
			assert.EqualValues(w.t, length, sent)
			w.act()
			w.act()
		} else {
			w.filesLost++
		}
	}
	w.tr.(protocol.FileSender).SendFile(w.file, int64(off), int64(n), done)
	inside = false
	if refused == nil {
		w.files++
		w.wrote += length
		w.broken = w.broken || off+length > fileSize
	}
}

func (w *talker) fill(b []byte, n int) []byte {
	for i := range n {
		b = append(b, pattern(w.wrote+i))
	}
	return b
}

func (w *talker) write(n int)  { w.count(w.tr.Write(w.fill(nil, n))) }
func (w *talker) shared(n int) { w.count(w.tr.(protocol.SharedWriter).WriteShared(w.fill(nil, n))) }

func (w *talker) count(n int, err error) {
	if w.lose || w.half || w.gone {
		assert.ErrorIs(w.t, err, net.ErrClosed)
		assert.Zero(w.t, n)
	}
	w.wrote += n
}
