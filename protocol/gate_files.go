package protocol

import (
	"io"
	"net"
	"os"
)

// A stop is a place in the output at which something is due: whom Drained is to
// tell, or a file. Those at the same place are due in order.
type stop struct {
	at   int64
	f    func(error) // of Drained; nil: it is the file
	file *gated
}

// gated is a file on its way through a Gate, a chunk at a time: the next one goes
// when the kernel has taken the last.
type gated struct {
	reader *FileReader
	rest   []byte // of the chunk, which goes through now
	moving bool   // the chunk has gone through, and the kernel has not taken it
	passed int64
	taken  int64
	done   func(sent int64, err error)
}

// SendFile sends what workers read, in order with Write.
func (g *Gate) SendFile(f *os.File, off, n int64, done func(sent int64, err error)) {
	if !g.shut {
		g.Layer.SendFile(f, off, n, done)
		return
	}
	_, err := g.Below.Write(nil) // and Flush comes
	if err != nil || g.admit(FileWeight) != nil {
		later(g.Loop(), func() { done(0, net.ErrClosed) })
		return
	}
	file := &gated{done: done}
	file.reader = NewFileReader(g.Loop(), f, off, n, g.haveFlush)
	g.stops = append(g.stops, stop{at: g.passed + int64(g.held()), file: file})
	g.files++
	g.pullAgain()
	g.tooFull()
}

// next returns the file whose turn it is, with what can go through of it now. It
// sees to all that is due before.
func (g *Gate) next() *gated {
	for !g.dropped && len(g.stops) > 0 && g.stops[0].at <= g.passed {
		if f := g.stops[0].f; f != nil {
			g.stops = g.stops[1:]
			g.Layer.Drained(f)
			continue
		}
		file := g.stops[0].file
		if len(file.rest) > 0 || file.moving {
			return file
		}
		chunk, err := file.reader.Next()
		switch {
		case err == io.EOF:
			g.stops = g.stops[1:]
			g.files--
			file.reader.Close()
			g.Layer.Drained(func(err error) {
				defer g.wind() // an end may have waited for it
				file.end(err)
			})
		case err != nil:
			file.moving = true
			g.Layer.Drained(func(lost error) { g.broken(lost, err) })
			return file
		default:
			file.rest = chunk
			return file
		}
	}
	return nil
}

// passFile has at most n bytes of the chunk go through f.
func (g *Gate) passFile(file *gated, n int, f func(p []byte)) {
	p := file.rest[:min(n, len(file.rest))]
	file.rest = file.rest[len(p):]
	f(p)
	file.passed += int64(len(p))
	if len(file.rest) > 0 {
		return
	}
	file.moving = true
	g.Layer.Drained(func(err error) {
		if err == nil {
			file.moving, file.taken = false, file.passed
			g.haveFlush()
		}
	})
}

// end tells what became of the file.
func (f *gated) end(err error) {
	if err == nil {
		f.taken = f.passed
	}
	f.done(f.taken, err)
}

// broken ends the connection when all that came before has been taken: what follows
// would be taken for the rest of the file.
func (g *Gate) broken(lost, err error) {
	if lost == nil && len(g.stops) > 0 {
		g.stops[0].file.taken = g.stops[0].file.passed
		g.SetReason(err)
		g.Abort()
	}
}

// tellStops tells those who will not be told any better.
func (g *Gate) tellStops(reason error) {
	if len(g.stops) == 0 {
		return
	}
	s := g.stops[0]
	g.stops = g.stops[1:]
	defer g.tellStops(reason) // also if this one panics
	if s.f != nil {
		s.f(reason)
		return
	}
	g.files--
	s.file.reader.Close()
	s.file.end(reason)
}
