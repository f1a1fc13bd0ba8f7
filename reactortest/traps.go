package reactortest

import (
	"io"
	"net"
	"os"
	"sync"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// Each of these was seen to go wrong with code that looked right.
var traps = []law{
	{"MuchWrittenAndClosedWhileThePeerKeepsSending", closeUnderFire},
	{"SoIsItToAPeerBesideTheReactor", closeUnderFireRaw},
	{"ProxyMovesMuchBothWaysAtOnce", proxyBothWays},
	{"PausedConnectionIsToldOfAReset", pausedReset},
	{"PausedConnectionCostsNoSpin", pausedNoSpin},
	{"BothHalvesShutCostNoSpin", halvesNoSpin},
	{"RingAfterCloseWritesNowhere", ringAfterClose},
	{"CallThatPostsItselfStarvesNoSocket", selfPosting},
	{"TimerThatSetsItselfStarvesNoSocket", selfTiming},
	{"ManyRequestsWithLargeAnswersStayBounded", amplification},
	{"ReactorOlderThanItsTimeoutsIsPatient", oldReactor},
	{"PanicInAnAcceptBatchLosesNobody", panicInAccepts},
	{"PanicInABatchOfCallsLosesNone", panicInCalls},
	{"StaleEventsHurtNobody", staleEvents},
	{"LastWordsBeforeAResetAreDelivered", lastWords},
	{"DueTimerFiresOnABusyLoop", busyTimer},
}

// The tail of a long answer arrives although input comes that nobody will read.
func closeUnderFire(w *world) {
	w.start()
	n := w.size()
	p := w.greeter(func(p *probe) { p.Write(make([]byte, n)); p.LoseConnection() })
	peer := w.paced()
	peer.onData = func(data []byte) { peer.Write(data) }
	w.pair(p, peer)
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	peer.end()
	assert.Len(w, peer.input, n)
}

// A peer beside the reactor writes from one goroutine until it cannot, reads from
// another, and gets everything, with a clean end.
func closeUnderFireRaw(w *world) {
	w.start()
	n := w.size()
	p := w.greeter(func(p *probe) { p.Write(make([]byte, n)); p.LoseConnection() })
	c := w.dial(w.serve(just(p)))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for junk := make([]byte, 10_000); ; {
			select {
			case <-stop:
				return
			default:
				if _, err := c.Write(junk); err != nil {
					return
				}
			}
		}
	}()
	got, err := io.Copy(io.Discard, c)
	close(stop)
	assert.NoError(w, err)
	assert.EqualValues(w, n, got)
	c.Close()
	assert.NotErrorIs(w, p.end(), protocol.ErrCloseTimeout)
	wait(w, stopped)
}

// A proxy's sides pause each other, and nothing hangs.
func proxyBothWays(w *world) {
	w.start()
	n := w.size()
	front, back := w.paced(), w.paced()
	tie := func(one, other *paced) {
		one.onData = func(data []byte) { other.Write(data); one.input = nil }
		one.onPause = func() { other.PauseReading() }
		one.onResume = func() { other.ResumeReading() }
	}
	tie(front, back)
	tie(back, front)
	left, right := w.paced(), w.paced()
	full := make(chan struct{}, 2)
	for _, end := range []*paced{left, right} {
		end.onData = func([]byte) {
			if len(end.input) == n {
				full <- struct{}{}
			}
		}
	}
	w.pair(right, back)
	w.pair(front, left)
	w.on(func() { left.Write(make([]byte, n)); right.Write(make([]byte, n)) })
	wait(w, full)
	wait(w, full)
	w.on(func() { left.Abort(); right.Abort(); front.Abort(); back.Abort() })
}

// Whoever calls a reactor that has ended writes into no descriptor, although
// others have got its numbers.
func ringAfterClose(w *world) {
	w.start()
	quit := make(chan struct{})
	var callers sync.WaitGroup
	for range 2 {
		callers.Go(func() {
			heard := make(chan struct{})
			for {
				select {
				case <-quit:
					return
				default:
					if w.Call(func() { heard <- struct{}{} }) == nil {
						<-heard
					}
				}
			}
		})
	}
	w.on(func() {})
	w.Stop()
	w.end()
	var strangers []*os.File
	for range 100 {
		f, err := os.CreateTemp(w.TempDir(), "")
		require.NoError(w, err)
		strangers = append(strangers, f)
	}
	for range 100 {
		_ = w.Call(func() {})
		w.Stop()
	}
	close(quit)
	callers.Wait()
	for _, f := range strangers {
		info, err := f.Stat()
		require.NoError(w, err)
		assert.Zero(w, info.Size(), "somebody wrote into %s", f.Name())
		f.Close()
	}
}

// Of twenty that wait to be accepted each second one's factory, or first event,
// panics; all others are served.
func panicInAccepts(w *world) {
	w.make()
	n := 0
	port := w.serve(factory.Each(func() protocol.Protocol {
		n++
		switch n % 4 {
		case 1:
			panic(errOfUser)
		case 3:
			return w.greeter(func(*probe) { panic(errOfUser) })
		}
		return w.echoer()
	}))
	served := make(chan struct{}, 20)
	for range 20 {
		p := w.greeter(func(p *probe) { p.Write([]byte("x")) })
		p.onData = func([]byte) { served <- struct{}{} }
		w.Connect(w.Network, port.Addr().String(), w.client(p, func(factory.Connector, error) {}, nil))
	}
	w.run()
	for range 10 {
		wait(w, served)
	}
}

// Of a batch of calls each second one panics; all run, in order.
func panicInCalls(w *world) {
	w.make()
	ran := 0
	for i := range 100 {
		require.NoError(w, w.Call(func() {
			assert.Equal(w, i, ran)
			if ran++; i%2 == 0 {
				panic(errOfUser)
			}
		}))
	}
	w.run()
	w.on(func() { assert.Equal(w, 100, ran) })
}

// While the loop is held up, peers come, speak and go, so that one batch has
// events of connections that others of the same batch end and whose descriptors
// newcomers get. Whoever is still there is served.
func staleEvents(w *world) {
	w.start()
	var all []*probe
	port := w.serve(factory.Each(func() protocol.Protocol {
		p := w.echoer()
		p.onData = func(data []byte) {
			if data[0] != '!' {
				p.Write(data)
				return
			}
			for _, o := range all {
				o.Abort()
			}
			all = nil
		}
		p.onMade = func() { all = append(all, p) }
		return p
	}))
	for range 20 {
		var old []net.Conn
		for range 4 {
			old = append(old, w.dial(port))
		}
		w.until(func() bool { return len(all) == 4 })
		held, release := make(chan struct{}), make(chan struct{})
		require.NoError(w, w.Call(func() { close(held); <-release }))
		wait(w, held)
		old[0].Write([]byte("!"))
		fresh := w.dial(port)
		old[1].Write([]byte("x"))
		hang(old[2])
		old[3].Close()
		close(release)
		_, err := fresh.Write([]byte("x"))
		require.NoError(w, err)
		_, err = io.ReadFull(fresh, make([]byte, 1))
		if !assert.NoError(w, err) {
			return
		}
		fresh.Close()
		w.until(func() bool { return len(all) <= 1 })
		w.on(func() { all = nil })
	}
}

// What a peer said before it reset the connection, while we were writing, is
// handed up, and the reason is the reset.
func lastWords(w *world) {
	w.start()
	if w.Network == "unix" {
		w.Skip("Unix sockets know no reset")
	}
	p := w.probe()
	c := w.dial(w.serve(just(p)))
	wait(w, p.made)
	held, release := make(chan struct{}), make(chan struct{})
	require.NoError(w, w.Call(func() {
		close(held)
		<-release
		p.Write([]byte("to nobody")) // it is this write that finds the reset
	}))
	wait(w, held)
	_, err := c.Write([]byte("550 no"))
	require.NoError(w, err)
	hang(c)
	close(release)
	assert.True(w, protocol.IsReset(p.end()), "%v", p.reason)
	assert.Equal(w, "550 no", string(p.input))
}
