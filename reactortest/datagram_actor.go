package reactortest

import (
	"net"
	"net/netip"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// A sender is where a datagram came from: an address or a path.
type sender struct {
	addr netip.AddrPort
	path string
}

// A post is a DatagramProtocol that does what the law at hand tells it, and holds
// the reactor to the order of events.
type post struct {
	protocol.DatagramTransport
	w       *world
	onStart func()
	onData  func(data []byte, from sender)
	onStop  func(reason error)

	input   []string      // the datagrams that came
	errs    []error       // that were told
	started chan struct{} // closed when it is
	stopped chan error    // holds the reason in the end
	inside  string        // the event that is being handled
	over    bool
}

func (w *world) post() *post {
	return &post{w: w, started: make(chan struct{}), stopped: make(chan error, 1)}
}

// echoPost is a post that sends back what it gets.
func (w *world) echoPost() *post {
	p := w.post()
	p.onData = func(data []byte, from sender) { p.answer(data, from) }
	return p
}

func (p *post) event(name string, f func()) {
	if p.inside != "" {
		p.w.Errorf("%s was called inside %s", name, p.inside)
	}
	if p.over {
		p.w.Errorf("%s was called after StopProtocol", name)
	}
	if (p.DatagramTransport == nil) != (name == "StartProtocol") {
		p.w.Errorf("%s was called too early, or twice", name)
	}
	p.inside = name
	defer func() { p.inside = "" }()
	f()
}

func (p *post) StartProtocol(t protocol.DatagramTransport) {
	p.event("StartProtocol", func() {
		p.DatagramTransport = t
		close(p.started)
		if p.onStart != nil {
			p.onStart()
		}
	})
}

func (p *post) DatagramReceived(data []byte, from netip.AddrPort) {
	p.receive(data, sender{addr: from})
}

func (p *post) UnixDatagramReceived(data []byte, from string) { p.receive(data, sender{path: from}) }

func (p *post) receive(data []byte, from sender) {
	p.event("DatagramReceived", func() {
		p.input = append(p.input, string(data))
		if p.onData != nil {
			p.onData(data, from)
		}
	})
}

func (p *post) ErrorReceived(err error) {
	p.event("ErrorReceived", func() { p.errs = append(p.errs, err) })
}

func (p *post) StopProtocol(reason error) {
	p.event("StopProtocol", func() {
		if reason == nil {
			p.w.Error("StopProtocol without a reason")
		}
		p.over = true
		p.stopped <- reason
		if p.onStop != nil {
			p.onStop(reason)
		}
	})
}

// answer sends to where a datagram came from.
func (p *post) answer(data []byte, to sender) {
	var err error
	if u, ok := protocol.As[protocol.UnixDatagramTransport](p.DatagramTransport); ok {
		_, err = u.WriteToPath(data, to.path)
	} else {
		_, err = p.WriteTo(data, to.addr)
	}
	assert.NoError(p.w, err)
}

// say writes datagrams to the peer, in one turn.
func (p *post) say(all ...string) {
	p.w.Helper()
	p.w.on(func() {
		for _, s := range all {
			n, err := p.Write([]byte(s))
			assert.NoError(p.w, err)
			assert.Equal(p.w, len(s), n)
		}
	})
}

// has waits until n datagrams have come, and returns all.
func (p *post) has(n int) (all []string) {
	p.w.Helper()
	p.w.until(func() bool { all = append([]string(nil), p.input...); return len(all) >= n })
	return all
}

// hasError waits for the first error that is told.
func (p *post) hasError() (err error) {
	p.w.Helper()
	p.w.until(func() bool {
		if len(p.errs) > 0 {
			err = p.errs[0]
		}
		return err != nil
	})
	return err
}

// A leavingPost hears that the server goes down.
type leavingPost struct {
	*post
	onShutdown func()
}

func (l *leavingPost) Shutdown() { l.event("Shutdown", l.onShutdown) }

// A pacedPost hears when its output waits.
type pacedPost struct {
	*post
	heard []string
}

func (p *pacedPost) PauseWriting() {
	p.event("PauseWriting", func() { p.heard = append(p.heard, "pause") })
}

func (p *pacedPost) ResumeWriting() {
	p.event("ResumeWriting", func() { p.heard = append(p.heard, "resume") })
}

// datagramNetwork is the datagram sibling of the column's network.
func (w *world) datagramNetwork() string {
	if w.Network == "unix" {
		return "unixgram"
	}
	return strings.Replace(w.Network, "tcp", "udp", 1)
}

// makeForDatagrams is make, or skips the law before there is a reactor that would have
// to be run.
func (w *world) makeForDatagrams() {
	w.Helper()
	w.withoutLayers()
	w.make()
}

func (w *world) withoutLayers() {
	w.Helper()
	if w.Wrap != nil {
		w.Skip("layers are for connections")
	}
}

// datagrams returns the reactor's datagram side, with settings, or skips the law.
func (w *world) datagrams(s ...factory.Socket) factory.DatagramNetwork {
	w.Helper()
	w.withoutLayers()
	var n any = w.Reactor
	if len(s) > 0 {
		n = w.Tuned(s[0])
	}
	d, ok := protocol.As[factory.DatagramNetwork](n)
	if !ok {
		w.Skip("it has no datagrams")
	}
	return d
}

// bind gives p a port, with settings if there are any.
func (w *world) bind(p protocol.DatagramProtocol, s ...factory.Socket) factory.Port {
	w.Helper()
	port, err := w.datagrams(s...).ListenDatagram(w.datagramNetwork(), w.Address(w.T), p)
	require.NoError(w, err)
	return port
}

// call connects p to a port.
func (w *world) call(to factory.Port, p protocol.DatagramProtocol, s ...factory.Socket) factory.Port {
	w.Helper()
	port, err := w.datagrams(s...).ConnectDatagram(w.datagramNetwork(), to.Addr().String(), p)
	require.NoError(w, err)
	return port
}

// udp skips the law where there are no IP addresses.
func (w *world) udp() {
	w.Helper()
	w.datagrams()
	if w.datagramNetwork() == "unixgram" {
		w.Skip("a Unix socket has no such thing")
	}
}

// addrOf is the address of a UDP port.
func addrOf(p factory.Port) netip.AddrPort { return p.Addr().(*net.UDPAddr).AddrPort() }
