package smtp_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/smtp"
)

// counted counts the connections of a factory: all there were, and most at once.
type counted struct {
	factory.Factory
	all, now, most atomic.Int64
}

func (c *counted) BuildProtocol(peer net.Addr) protocol.Protocol {
	p := c.Factory.BuildProtocol(peer)
	c.all.Add(1)
	c.most.Store(max(c.most.Load(), c.now.Add(1))) // on the loop
	return &countedEnd{Protocol: p, of: c}
}

type countedEnd struct {
	protocol.Protocol
	of *counted
}

func (c *countedEnd) Inner() any { return c.Protocol }

func (c *countedEnd) ConnectionLost(reason error) {
	c.of.now.Add(-1)
	c.Protocol.ConnectionLost(reason)
}

// many sends n messages to each of these.
func (p *post) many(n int, to ...string) {
	p.Helper()
	for range n {
		for _, a := range to {
			p.send("ann@a.test", a)
		}
	}
}

// A connection serves one message after the other, and there are no more of them than
// there may be.
func TestQueueKeepsConnections(t *testing.T) {
	inPost(t, func(p *post) { p.broken("b.test", errFine) }, func(t *testing.T, p *post) {
		p.many(50, "bob@b.test")
		p.settle()
		var b smtp.Inbox
		c := &counted{Factory: smtp.Config{Domain: "b.test"}.New(&smtp.Local{Delivery: &b})}
		p.listen("b.test", "192.0.2.1", c)
		p.queue.Flush()
		p.settle()
		assert.Len(t, b.Messages(), 50)
		assert.LessOrEqual(t, c.all.Load(), int64(2))
		p.requireEmpty()
	})
}

// One that does not answer has one connection, and the others all that they want; what
// else is for it waits until it is its time again.
func TestQueueIsNotHeldUp(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		slow := &counted{Factory: scripted(silence)}
		p.listen("slow.test", "192.0.2.1", slow)
		var b smtp.Inbox
		p.serve("b.test", "192.0.2.2", &b)
		p.many(30, "bob@slow.test", "bob@b.test")
		p.settle()
		assert.Len(t, b.Messages(), 30)
		assert.Equal(t, 1, p.queue.Stats().Connections)
		p.after(5 * time.Minute)
		assert.LessOrEqual(t, slow.all.Load(), int64(4))
		assert.Equal(t, 0, p.queue.Stats().Connections)
		p.after(time.Hour)
		assert.LessOrEqual(t, slow.all.Load(), int64(8))
		assert.Len(t, p.queue.List(), 30)
		p.after(6 * 24 * time.Hour)
		p.requireEmpty()
		assert.EqualValues(t, 30+30, p.queue.Stats().Failed, "and their reports")
		assert.Less(t, slow.all.Load(), int64(120))
		assert.LessOrEqual(t, slow.most.Load(), int64(4), "old ones may still be ending")
	})
}

// All connections together have a bound, too, and who has waited longest is next.
func TestQueueTakesTurns(t *testing.T) {
	inPost(t, func(p *post) { p.queue.Connections = 1 }, func(t *testing.T, p *post) {
		var mu sync.Mutex
		var order []string
		f := func(e *smtp.Envelope, _ io.ReadSeeker) error {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, e.To[0].Address)
			return nil
		}
		c := &counted{Factory: smtp.Config{Domain: "x.test"}.New(&smtp.Local{Delivery: smtp.Func(f)})}
		p.broken("b.test", errFine)
		p.many(100, "bob@b.test")
		for i := range 5 {
			p.broken(fmt.Sprintf("c%d.test", i), errFine)
			p.send("ann@a.test", fmt.Sprintf("carl@c%d.test", i))
		}
		p.settle()
		p.listen("b.test", "192.0.2.1", c)
		for i := range 5 {
			p.host(fmt.Sprintf("c%d.test", i), "192.0.2.1")
		}
		p.queue.Flush()
		p.settle()
		require.Len(t, order, 105)
		last := 0
		for i, to := range order {
			if to != "bob@b.test" {
				last = i
			}
		}
		assert.Less(t, last, 50, order)
		assert.LessOrEqual(t, c.most.Load(), int64(2), "the old one may still be ending")
		p.requireEmpty()
	})
}

// More recipients than servers take are served by several transactions.
func TestQueueManyRecipients(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		var b smtp.Inbox
		p.serve("b.test", "192.0.2.1", &b)
		to := crowd(250)
		p.send("ann@a.test", to...)
		p.settle()
		p.requireEmpty()
		var got []string
		for _, m := range b.Messages() {
			got = append(got, recipients(m)...)
		}
		assert.Equal(t, to, got)
		p.host("dead.test", "192.0.2.9")
		for i := range to {
			to[i] = strings.Replace(to[i], "b.test", "dead.test", 1)
		}
		p.send("ann@a.test", to...)
		p.settle()
		for _, r := range p.queue.List()[0].To {
			assert.Equal(t, 1, r.Attempts)
			assert.Equal(t, time.Hour, time.Until(r.Next))
		}
	})
}

// Destinations that could not be reached leave half of the connections to others, however many
// they are.
func TestQueueKeepsConnectionsForOthers(t *testing.T) {
	inPost(t, func(p *post) { p.queue.Connections = 4 }, func(t *testing.T, p *post) {
		p.listen("slow.test", "192.0.2.1", scripted(silence))
		for i := range 12 {
			domain := fmt.Sprintf("slow%d.test", i)
			p.host(domain, "192.0.2.1")
			p.send("ann@a.test", "bob@"+domain)
		}
		p.after(20 * time.Minute) // 5 min for 4 at a time
		assert.Zero(t, p.queue.Stats().Connections)
		p.queue.Flush()
		p.settle()
		assert.Equal(t, 2, p.queue.Stats().Connections)
		var b smtp.Inbox
		p.serve("b.test", "192.0.2.2", &b)
		p.many(50, "bob@b.test")
		p.settle()
		assert.Len(t, b.Messages(), 50)
		p.after(30*time.Minute + time.Second)
		assert.Zero(t, p.queue.Stats().Connections)
		for _, m := range p.queue.List() {
			assert.Equal(t, 2, m.To[0].Attempts)
		}
	})
}
