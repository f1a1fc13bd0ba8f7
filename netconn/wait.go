package netconn

import (
	"sync"
	"time"

	"github.com/torsion-go/torsion/protocol"
)

// doubtful is a wait after which it is made sure that nobody waits on the loop.
// Asking takes microseconds, a good part of an answer to a small request, so it is
// not done each time.
const doubtful = time.Second

// A watch makes sure that who waits does not hold up the loop for which he waits. It
// is guarded by the mutex of its conn. While many wait one after the other its timer
// goes off once in a while, and one who waits for long is asked once.
type watch struct {
	timer *time.Timer // nil until it is needed
	armed bool
	round int // counts how often it went off
}

// wait waits for a signal; its caller looks again then. It panics when the wait has
// become doubtful and is one on the loop. sure says that it is not, and is for all
// waits of one call.
func (c *conn) wait(signal *sync.Cond, sure *bool) {
	if *sure {
		signal.Wait()
		return
	}
	if !c.watch.armed {
		c.doubtLater()
	}
	round := c.watch.round
	if signal.Wait(); c.watch.round == round {
		return
	}
	c.mu.Unlock()
	defer c.mu.Lock()
	mayBlock(c.loop)
	*sure = true
}

func (c *conn) doubtLater() {
	c.watch.armed = true
	if c.watch.timer == nil {
		c.watch.timer = time.AfterFunc(doubtful, c.doubt)
	} else {
		c.watch.timer.Reset(doubtful)
	}
}

// doubt has all who wait make sure.
func (c *conn) doubt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watch.armed = false
	c.watch.round++
	c.turn.Broadcast()
	c.wake()
}

// stop is for the end, when nobody waits any more.
func (w *watch) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// mayBlock panics on the loop, if there is one.
func mayBlock(loop protocol.Loop) {
	if !protocol.MayWait(loop) {
		panic("netconn: a call on the loop would wait for the loop itself; make it on a goroutine")
	}
}
