package protocol

import (
	"io"
	"net"
	"os"
)

// A stop is a place in the output at which one of these is due. Those at the same
// place are due in order.
type stop struct {
	at      int64
	drained func(error)
	behind  func()
	file    *gated
}

// Drained counts from when what waits has gone through.
func (g *Gate) Drained(f func(error)) {
	if g.heavy() > 0 || len(g.stops) > 0 {
		g.stopHere(stop{drained: f})
	} else {
		g.Layer.Drained(f)
	}
}

// Behind calls f in order with Write: when all that was written so far has gone
// through, which may be now. If the connection ends before, it does not.
func (g *Gate) Behind(f func()) {
	if g.heavy() == 0 && len(g.stops) == 0 {
		f()
	} else {
		g.stopHere(stop{behind: f})
	}
}

// stopHere has s be due behind what was written so far.
func (g *Gate) stopHere(s stop) {
	s.at = g.passed + int64(g.held())
	g.stops = append(g.stops, s)
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
	g.stopHere(stop{file: file})
	g.files++
	g.pullAgain()
	g.tooFull()
}

// Waiting returns how many bytes can go through now: those up to the next file or
// Behind, or what has been read of the file whose turn it is.
func (g *Gate) Waiting() int {
	if file := g.next(); file != nil {
		return len(file.rest)
	}
	for _, s := range g.stops {
		if s.drained == nil {
			return min(int(s.at-g.passed), g.held()) // less if what waited was dropped
		}
	}
	return g.held()
}

// next returns the file whose turn it is, with what can go through of it now. It
// sees to all that is due before.
func (g *Gate) next() *gated {
	for !g.dropped && len(g.stops) > 0 && g.stops[0].at <= g.passed {
		s := g.stops[0]
		if s.file == nil {
			if g.stops = g.stops[1:]; s.behind != nil {
				s.behind()
			} else {
				g.Layer.Drained(s.drained)
			}
			continue
		}
		file := s.file
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
	switch {
	case s.drained != nil:
		s.drained(reason)
	case s.file != nil:
		g.files--
		s.file.reader.Close()
		s.file.end(reason)
	}
}

// later calls f in an event of its own, or at once when the loop has stopped and
// there is none any more.
func later(l Loop, f func()) {
	if l.Call(f) != nil {
		f()
	}
}
