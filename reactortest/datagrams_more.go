package reactortest

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// What cannot be sent is refused by the write, and queues nothing.
func wrongWrites(w *world) {
	w.start()
	p := w.post()
	w.bind(p)
	wait(w, p.started)
	w.on(func() {
		_, err := p.Write([]byte("x"))
		assert.ErrorIs(w, err, syscall.ENOTCONN)
		_, err = p.WriteTo([]byte("x"), netip.AddrPort{})
		var wrong *net.AddrError
		assert.ErrorAs(w, err, &wrong)
		if local, ok := p.LocalAddr().(*net.UDPAddr); ok {
			other := netip.MustParseAddrPort("127.0.0.1:9")
			if local.AddrPort().Addr().Is4() {
				other = netip.MustParseAddrPort("[::1]:9")
			}
			_, err = p.WriteTo([]byte("x"), other)
			assert.ErrorAs(w, err, &wrong)
			_, err = p.WriteTo(make([]byte, 1<<16), local.AddrPort())
			assert.ErrorIs(w, err, syscall.EMSGSIZE)
		} else {
			u, _ := protocol.As[protocol.UnixDatagramTransport](p.DatagramTransport)
			_, err = u.WriteToPath([]byte("x"), "")
			assert.ErrorAs(w, err, &wrong)
		}
		assert.Zero(w, p.Buffered())
	})
}

// A turn that writes more than MaxBacklog is told so, and the rest is sent. A
// WritePauser hears of it in pairs.
func queueBounded(w *world) {
	w.start()
	server, client := w.post(), &pacedPost{post: w.post()}
	w.call(w.bind(server), client, factory.Socket{MaxBacklog: 10_000, HighWater: 1000})
	wait(w, client.started)
	w.on(func() {
		fit := 0
		for range 20 {
			_, err := client.Write(make([]byte, 1000))
			if err == nil {
				fit++
			} else {
				assert.ErrorIs(w, err, syscall.ENOBUFS)
			}
		}
		assert.Equal(w, 10_000/(1000+protocol.DatagramOverhead), fit)
		assert.LessOrEqual(w, client.Buffered(), 10_000)
	})
	w.until(func() bool { return client.Buffered() == 0 })
	w.on(func() { assert.Zero(w, len(client.heard)%2) })
	assert.Len(w, server.has(8), 8)
}

// A datagram longer than MaxDatagram is not handed up cut, but told.
func cutTold(w *world) {
	w.start()
	server, client := w.post(), w.post()
	w.call(w.bind(server, factory.Socket{MaxDatagram: 100}), client)
	client.say("short", string(make([]byte, 101)), string(make([]byte, 100)))
	assert.Len(w, server.has(2)[1], 100)
	assert.ErrorIs(w, server.hasError(), syscall.EMSGSIZE)
	w.on(func() { assert.Len(w, server.input, 2); assert.Len(w, server.errs, 1) })
}

// Timers of a port run on the loop until it ends.
func portTimers(w *world) {
	w.start()
	p := w.post()
	w.bind(p)
	wait(w, p.started)
	ran, never := make(chan struct{}), false
	w.on(func() {
		moved := p.AfterFunc(time.Hour, func() { close(ran) })
		assert.True(w, moved.Reset(time.Millisecond))
		stopped := p.AfterFunc(time.Millisecond, func() { never = true })
		assert.True(w, stopped.Stop())
		assert.False(w, stopped.Stop())
		p.AfterFunc(50*time.Millisecond, func() { never = true })
	})
	wait(w, ran)
	w.on(func() { p.LoseConnection() })
	wait(w, p.stopped)
	w.pass(100 * time.Millisecond)
	w.on(func() { assert.False(w, never) })
}

// Busy addresses, unknown networks and families are *net.OpErrors.
func wrongNames(w *world) {
	w.start()
	p := w.post()
	port := w.bind(p)
	wait(w, p.started)
	n := w.datagrams()
	_, err := n.ListenDatagram(w.datagramNetwork(), port.Addr().String(), w.post())
	var op *net.OpError
	require.ErrorAs(w, err, &op)
	assert.ErrorIs(w, err, syscall.EADDRINUSE)
	assert.Contains(w, err.Error(), port.Addr().String())
	var unknown net.UnknownNetworkError
	_, err = n.ListenDatagram("udp7", w.Address(w.T), w.post())
	assert.ErrorAs(w, err, &unknown)
	_, err = n.ConnectDatagram("tcp", w.Address(w.T), w.post())
	assert.ErrorAs(w, err, &unknown)
	_, err = n.ListenDatagram(w.datagramNetwork(), w.Address(w.T), nil)
	assert.Error(w, err)
}

// Stop closes ports when what they wrote has left; a Shutdowner says goodbye
// first; nobody opens another.
func shutdownStops(w *world) {
	w.start()
	server, client := w.post(), w.post()
	leaver := &leavingPost{post: w.post()}
	leaver.onShutdown = func() {
		leaver.AfterFunc(time.Millisecond, func() { leaver.Write([]byte("goodbye")); leaver.LoseConnection() })
	}
	port := w.bind(server)
	w.call(port, leaver)
	w.call(port, client)
	wait(w, leaver.started)
	wait(w, client.started)
	w.Stop()
	for _, p := range []*post{server, client, leaver.post} {
		err := wait(w, p.stopped)
		assert.ErrorIs(w, err, protocol.ErrShutdown)
		assert.ErrorIs(w, err, protocol.ErrConnectionDone)
	}
	w.end()
	_, err := w.datagrams().ListenDatagram(w.datagramNetwork(), w.Address(w.T), w.post())
	assert.ErrorIs(w, err, protocol.ErrStopped)
}

// While two ports keep each other busy for ever, with empty datagrams even, timers
// and calls have their turns.
func flood(w *world) {
	w.restless = true
	w.start()
	server, client := w.echoPost(), w.post()
	port := w.call(w.bind(server), client)
	if port.Addr().String() == "" {
		w.Skip("a client without a name here")
	}
	n := 0
	client.onData = func(data []byte, _ sender) { n++; client.Write(data) }
	client.say("", "", "", "", "", "")
	w.until(func() bool { return n > 1000 })
	w.on(func() {
		server.onData = func([]byte, sender) { server.LoseConnection() }
	})
	wait(w, server.stopped)
}

// Only a port that was allowed to sends to a broadcast address.
func broadcasts(w *world) {
	w.start()
	w.udp()
	if w.datagramNetwork() != "udp4" {
		w.Skip("only IPv4 has broadcasts")
	}
	server, client := w.post(), w.post()
	port, err := w.datagrams().ListenDatagram("udp4", "0.0.0.0:0", server)
	require.NoError(w, err)
	w.bind(client)
	wait(w, client.started)
	to := netip.AddrPortFrom(netip.MustParseAddr("127.255.255.255"), addrOf(port).Port())
	w.on(func() { client.WriteTo([]byte("one"), to) })
	assert.ErrorIs(w, client.hasError(), syscall.EACCES)
	w.on(func() {
		m, _ := protocol.As[protocol.MulticastTransport](client.DatagramTransport)
		assert.NoError(w, m.SetBroadcast(true))
		client.WriteTo([]byte("two"), to)
	})
	assert.Equal(w, []string{"two"}, server.has(1))
}

// What is sent to a group comes to who has joined it, until he leaves, and to
// nobody else with that port.
func groups(w *world) {
	w.start()
	w.udp()
	s := scene{w: w, group: netip.MustParseAddr("239.1.2.3"), addr: "0.0.0.0:0", iface: w.groupInterface()}
	if w.datagramNetwork() == "udp6" {
		s.group, s.addr = netip.MustParseAddr("ff02::4:7"), "[::]:0"
	}
	s.open()
	if err := s.join(); err != nil {
		w.Skip("no groups here:", err)
	}
	s.says("all")
	var errs []error
	w.until(func() bool { errs = s.speaker.errs; return len(s.two.input)+len(errs) > 0 })
	if len(errs) > 0 {
		w.Skip("no way to the group:", errs[0])
	}
	assert.Equal(w, []string{"all"}, s.one.has(1))
	w.on(func() { assert.NoError(w, multicast(s.one).LeaveGroup(s.group, s.iface)) })
	s.says("one")
	assert.Equal(w, []string{"all", "one"}, s.two.has(2))
	w.on(func() { assert.Len(w, s.one.input, 1) })
}

// A scene has two who share an address, and one who speaks to it.
type scene struct {
	w                 *world
	group             netip.Addr
	addr, iface       string
	one, two, speaker *post
}

func (s *scene) open() {
	s.one, s.two, s.speaker = s.w.post(), s.w.post(), s.w.post()
	n := s.w.datagrams(factory.Socket{ReusePort: true})
	addr := s.addr
	for _, p := range []*post{s.one, s.two} {
		port, err := n.ListenDatagram(s.w.datagramNetwork(), addr, p)
		require.NoError(s.w, err)
		addr = port.Addr().String()
		wait(s.w, p.started)
	}
	_, err := n.ListenDatagram(s.w.datagramNetwork(), s.addr, s.speaker)
	require.NoError(s.w, err)
	wait(s.w, s.speaker.started)
}

// join has both join the group, after some mistakes.
func (s *scene) join() error {
	joined := make(chan error, 1)
	s.w.on(func() {
		one, two, m := multicast(s.one), multicast(s.two), multicast(s.speaker)
		assert.Error(s.w, one.LeaveGroup(s.group, s.iface))
		assert.Error(s.w, one.JoinGroup(netip.MustParseAddr("::1"), s.iface))
		assert.Error(s.w, one.JoinGroup(s.group, "no such interface"))
		assert.Error(s.w, m.SetMulticastTTL(256))
		joined <- errors.Join(one.JoinGroup(s.group, s.iface), two.JoinGroup(s.group, s.iface),
			m.SetMulticastInterface(s.iface), m.SetMulticastTTL(0), m.SetMulticastLoopback(true))
	})
	return wait(s.w, joined)
}

func (s *scene) says(text string) {
	s.w.Helper()
	s.w.on(func() {
		port := s.one.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		_, err := s.speaker.WriteTo([]byte(text), netip.AddrPortFrom(s.group, port))
		assert.NoError(s.w, err)
	})
}

func multicast(p *post) protocol.MulticastTransport {
	m, _ := protocol.As[protocol.MulticastTransport](p.DatagramTransport)
	return m
}

// groupInterface is one that knows groups.
func (w *world) groupInterface() string {
	all, _ := net.Interfaces()
	for _, i := range all {
		if _, virtual := protocol.As[interface{ Advance(d time.Duration) }](w.Reactor); !virtual && i.Flags&net.FlagMulticast != 0 && i.Flags&net.FlagUp != 0 {
			return i.Name
		}
	}
	return "lo"
}
