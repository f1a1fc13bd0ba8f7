package reactortest

import (
	"errors"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

var failing = []law{
	{"PanicEndsItsConnectionOnly", panicInEvents},
	{"PanicInConnectionLostSkipsNobody", panicInLost},
	{"PanicOfTheLoopsOwnIsSurvived", panicOfNobody},
	{"PanicOfWatchersIsSurvived", panicOfWatchers},
	{"AbortBeforeAPanicHolds", abortThenPanic},
}

var errOfUser = errors.New("the user's mistake")

// A panic in an event or timer of a connection aborts it, with a *PanicError
// that holds the value; another connection goes on.
func panicInEvents(w *world) {
	w.start()
	bystander := w.probe()
	w.pair(w.echoer(), bystander)
	for _, where := range []string{"made", "data", "eof", "pause", "resume", "timer", "drained"} {
		p, peer := &everything{halfOpen: w.halfOpen(), where: where}, w.paced()
		peer.onMade = func() { peer.Write([]byte("x")); peer.CloseWrite() }
		w.join(w.serve(just(p)), peer)
		var failed *protocol.PanicError
		if assert.ErrorAs(w, p.end(), &failed, where) {
			assert.Equal(w, errOfUser, failed.Value)
			assert.NotEmpty(w, failed.Stack)
		}
	}
	w.on(func() { bystander.Write([]byte("well")) })
	assert.Equal(w, "well", bystander.has(4))
}

// everything fails in one of its events.
type everything struct {
	*halfOpen
	where string
}

func (e *everything) in(event string) {
	if e.where == event {
		panic(errOfUser)
	}
}

func (e *everything) ConnectionMade(t protocol.Transport) {
	e.halfOpen.ConnectionMade(t)
	e.AfterFunc(time.Millisecond, func() { e.in("timer") })
	if n, ok := protocol.As[protocol.Notifier](t); ok && e.where == "drained" {
		n.Drained(func(error) { e.in("drained") })
	}
	if e.where == "pause" || e.where == "resume" {
		e.Write(make([]byte, 16<<20))
	}
	e.in("made")
}

func (e *everything) DataReceived(data []byte) { e.halfOpen.DataReceived(data); e.in("data") }
func (e *everything) EOFReceived() bool        { e.halfOpen.EOFReceived(); e.in("eof"); return true }
func (e *everything) PauseWriting()            { e.in("pause") }
func (e *everything) ResumeWriting()           { e.in("resume") }

// The watcher is told although the protocol panics, and so are the others that
// end in the same turn.
func panicInLost(w *world) {
	w.start()
	lost := make(chan error, 10)
	port := w.serve(w.echoes())
	var all []*probe
	for range 5 {
		p := w.probe()
		p.onLost = func(error) { panic(errOfUser) }
		all = append(all, p)
		w.Connect(w.Network, port.Addr().String(), w.client(p, nil, func(_ factory.Connector, err error) { lost <- err }))
		wait(w, p.made)
	}
	w.on(func() {
		for _, p := range all {
			p.Abort()
		}
	})
	for range all {
		assert.Equal(w, protocol.ErrConnectionAborted, wait(w, lost))
	}
}

// A panic in a posted call or a loop's timer is survived.
func panicOfNobody(w *world) {
	w.start()
	w.Call(func() { panic(errOfUser) })
	w.on(func() { w.AfterFunc(0, func() { panic(errOfUser) }) })
	w.pass(time.Millisecond)
}

// So are those of a Watcher; the connection is made nevertheless.
func panicOfWatchers(w *world) {
	w.start()
	p := w.probe()
	f := w.client(p, nil, func(factory.Connector, error) { panic(errOfUser) })
	f.connecting = func(factory.Connector) { panic(errOfUser) }
	w.Connect(w.Network, w.serve(w.echoes()).Addr().String(), f)
	wait(w, p.made)
	w.on(func() { p.Abort() })
	p.end()
	w.Connect(w.Network, w.nobody(), w.client(nil, func(factory.Connector, error) { panic(errOfUser) }, nil))
	w.pass(time.Millisecond)
}

// The first reason holds.
func abortThenPanic(w *world) {
	w.start()
	p, peer := w.probe(), w.probe()
	p.onData = func([]byte) { p.Abort(); panic(errOfUser) }
	w.pair(p, peer)
	w.on(func() { peer.Write([]byte("x")) })
	assert.Equal(w, protocol.ErrConnectionAborted, p.end())
}
