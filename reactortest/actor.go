package reactortest

import (
	"sync"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// An actor is a protocol of the suite, of whatever abilities.
type actor interface {
	protocol.Protocol
	core() *probe
}

// A probe is a protocol that does what the law at hand tells it, and holds the
// reactor to the order of events: made, data, lost, and none inside another.
type probe struct {
	protocol.Transport
	w      *world
	onMade func()
	onData func(data []byte)
	onLost func(reason error)

	input  []byte        // all that came
	made   chan struct{} // closed when it is connected
	lost   chan error    // holds the reason in the end
	reason error
	inside string // the event that is being handled
	over   bool
}

func (w *world) probe() *probe {
	return &probe{w: w, made: make(chan struct{}), lost: make(chan error, 1)}
}

// greeter is a probe that does f when it is connected.
func (w *world) greeter(f func(p *probe)) *probe {
	p := w.probe()
	p.onMade = func() { f(p) }
	return p
}

// echoer is a probe that sends back what it gets.
func (w *world) echoer() *probe {
	p := w.probe()
	p.onData = func(data []byte) { p.Write(data) }
	return p
}

// echoes is a factory of echoers.
func (w *world) echoes() factory.Factory {
	return factory.Each(func() protocol.Protocol { return w.echoer() })
}

func (p *probe) core() *probe { return p }

// event runs f as the event of that name.
func (p *probe) event(name string, f func()) {
	if p.inside != "" {
		p.w.Errorf("%s was called inside %s", name, p.inside)
	}
	if p.over {
		p.w.Errorf("%s was called after ConnectionLost", name)
	}
	if (p.Transport == nil) != (name == "ConnectionMade") {
		p.w.Errorf("%s was called too early, or twice", name)
	}
	p.inside = name
	defer func() { p.inside = "" }()
	f()
}

func (p *probe) ConnectionMade(t protocol.Transport) {
	p.event("ConnectionMade", func() {
		p.Transport = t
		close(p.made)
		if p.onMade != nil {
			p.onMade()
		}
	})
}

func (p *probe) DataReceived(data []byte) {
	p.event("DataReceived", func() {
		if len(data) == 0 {
			p.w.Error("DataReceived with no data")
		}
		p.input = append(p.input, data...)
		if p.onData != nil {
			p.onData(data)
		}
	})
}

func (p *probe) ConnectionLost(reason error) {
	p.event("ConnectionLost", func() {
		if reason == nil {
			p.w.Error("ConnectionLost without a reason")
		}
		p.over, p.reason = true, reason
		p.lost <- reason
		if p.onLost != nil {
			p.onLost(reason)
		}
	})
}

// end waits for the reason.
func (p *probe) end() error {
	p.w.Helper()
	return wait(p.w, p.lost)
}

// has waits until n bytes have come, and returns all.
func (p *probe) has(n int) string {
	p.w.Helper()
	var s string
	p.w.until(func() bool { s = string(p.input); return len(s) >= n })
	return s
}

// A halfOpen probe keeps its side open when the peer ends its own.
type halfOpen struct {
	*probe
	eof   chan struct{}
	onEOF func() (keep bool)
}

func (w *world) halfOpen() *halfOpen {
	return &halfOpen{probe: w.probe(), eof: make(chan struct{})}
}

func (h *halfOpen) EOFReceived() (keep bool) {
	keep = true
	h.event("EOFReceived", func() {
		close(h.eof)
		if h.onEOF != nil {
			keep = h.onEOF()
		}
	})
	return keep
}

// A paced probe hears when its output waits. Its input is not paused for that.
type paced struct {
	*probe
	heard    []string
	onPause  func()
	onResume func()
}

func (w *world) paced() *paced { return &paced{probe: w.probe()} }

func (p *paced) PauseWriting() {
	p.event("PauseWriting", func() { p.hear("pause", p.onPause) })
}

func (p *paced) ResumeWriting() {
	p.event("ResumeWriting", func() { p.hear("resume", p.onResume) })
}

func (p *paced) hear(what string, f func()) {
	if n := len(p.heard); (n%2 == 0) != (what == "pause") {
		p.w.Errorf("%s after %v", what, p.heard)
	}
	p.heard = append(p.heard, what)
	if f != nil {
		f()
	}
}

// A resumed probe hears that it may read on.
type resumed struct {
	*probe
	onResumed func()
}

func (r *resumed) ReadResumed() { r.event("ReadResumed", r.onResumed) }

// A leaver says goodbye when the server goes down.
type leaver struct {
	*probe
	onShutdown func()
}

func (l *leaver) Shutdown() { l.event("Shutdown", l.onShutdown) }

// A sealer notes the flushes.
type sealer struct {
	*probe
	onFlush func()
}

func (s *sealer) Flush() { s.onFlush() }

// A diary is what happened, in order, on whatever goroutine.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.lines...)
}
