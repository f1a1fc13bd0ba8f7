package reactortest

import (
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// A call that posts itself again each time lets everybody else work.
func selfPosting(w *world) {
	w.start()
	w.restless = true
	done := false
	var again func()
	again = func() {
		if !done {
			w.Call(again)
		}
	}
	w.on(again)
	p := w.probe()
	w.pair(w.echoer(), p)
	for i := range 20 {
		w.on(func() { p.Write([]byte("x")) })
		p.has(i + 1)
	}
	w.on(func() { done = true })
	w.restless = false
}

// So does a timer of no delay that sets itself again.
func selfTiming(w *world) {
	w.start()
	w.restless = true
	done := false
	var again func()
	again = func() {
		if !done {
			w.AfterFunc(0, again)
		}
	}
	w.on(again)
	ended := make(chan struct{})
	p := w.probe()
	p.onData = func([]byte) {
		if len(p.input) < 20 {
			p.Write([]byte("x"))
		} else {
			done = true
			close(ended)
		}
	}
	p.onMade = func() { p.Write([]byte("x")) }
	w.pair(w.echoer(), p)
	wait(w, ended)
	w.restless = false
}

// A server that asks Reading before each request of a chunk answers no more of
// them than fit, and all of them in the end.
func amplification(w *world) {
	w.start()
	const requests, answer = 500, 64 << 10
	s := &resumed{probe: w.probe()}
	waiting, most := 0, 0
	serve := func() {
		for ; waiting > 0 && s.Reading(); waiting-- {
			s.Write(make([]byte, answer))
			most = max(most, s.Buffered())
		}
	}
	s.onData = func(data []byte) { waiting += len(data); serve() }
	s.onResumed = serve
	got, all := 0, make(chan struct{})
	peer := w.paced()
	peer.onMade = func() { peer.PauseReading(); peer.Write(make([]byte, requests)) }
	peer.onData = func(data []byte) {
		peer.input = nil
		if got += len(data); got == requests*answer {
			close(all)
		}
	}
	w.pair(s, peer)
	w.until(func() bool { return most > 0 })
	w.on(func() { peer.ResumeReading() })
	wait(w, all)
	w.on(func() { assert.Less(w, most, 512<<10) })
}

// On a loop with more sockets ready than it looks at in one go, a timer fires
// within 64 turns of its moment.
func busyTimer(w *world) {
	w.start()
	if _, virtual := protocol.As[interface{ Advance(time.Duration) }](w.Reactor); virtual {
		w.Skip("the clock stands still while anybody is busy")
	}
	fired := make(chan int, 1)
	var due time.Time
	late := 0 // events handled since the timer was due
	ping := func() *probe {
		p := w.probe()
		p.onData = func(data []byte) {
			p.input = nil
			p.Write(data)
			if !due.IsZero() && w.Now().After(due) {
				late++
			}
		}
		return p
	}
	port := w.serve(factory.Each(func() protocol.Protocol { return ping() }))
	const pairs = 100
	for range pairs {
		p := ping()
		p.onMade = func() { p.Write(make([]byte, 100)) }
		w.join(port, p)
		wait(w, p.made)
	}
	w.on(func() {
		const soon = 20 * time.Millisecond
		due = w.Now().Add(soon)
		w.AfterFunc(soon, func() { fired <- late })
	})
	assert.LessOrEqual(w, wait(w, fired), 64)
}
