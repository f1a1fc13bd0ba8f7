package smtp_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// requireEmpty requires the Queue to hold nothing, in memory and on the disk.
func (p *post) requireEmpty() {
	p.Helper()
	require.Empty(p, p.queue.List(), p.log)
	for _, folder := range []string{"mail", "tmp", "bad"} {
		require.Empty(p, files(p, p.queue.Dir, folder), folder)
	}
	require.Zero(p, p.queue.Stats().Messages)
	require.Zero(p, p.queue.Stats().Destinations)
	require.Zero(p, p.queue.Stats().Connections)
}

// A message goes to the server of each domain, once for all recipients there, and is
// gone then.
func TestQueueSends(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		var b, c smtp.Inbox
		p.serve("mx.b.test", "192.0.2.1", &b)
		p.serve("c.test", "192.0.2.2", &c)
		p.route("b.test", "mx.b.test")
		p.send("ann@a.test", "bob@b.test", "carl@C.test", "bea@B.Test", "bob@b.test")
		p.settle()
		require.Len(t, b.Messages(), 1, p.log)
		assert.Equal(t, []string{"bob@b.test", "bea@B.Test"}, recipients(b.Messages()[0]))
		assert.Equal(t, letter, string(b.Messages()[0].Text))
		assert.Equal(t, "us.test", b.Messages()[0].Peer.Hostname)
		require.Len(t, c.Messages(), 1)
		p.requireEmpty()
		assert.EqualValues(t, 3, p.queue.Stats().Sent)
	})
}

// What others have brought says so.
func TestQueueAddsReceived(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		var b smtp.Inbox
		p.serve("b.test", "192.0.2.1", &b)
		e := to("bob@b.test")
		require.NoError(t, p.queue.Deliver(e, strings.NewReader(letter)))
		p.settle()
		require.Len(t, b.Messages(), 1)
		assert.Equal(t, string(e.Received())+letter, string(b.Messages()[0].Text))
	})
}

// What is refused for now is tried again, later and later, and what has happened is known
// to who asks.
func TestQueueTriesAgain(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		var b moody
		p.serve("b.test", "192.0.2.1", &b)
		b.say(later)
		began := time.Now()
		p.send("ann@a.test", "bob@b.test")
		p.settle()
		for i, at := range []time.Duration{time.Hour, 3 * time.Hour, 6 * time.Hour} {
			list := p.queue.List()
			require.Len(t, list, 1)
			assert.Equal(t, "ann@a.test", list[0].From)
			assert.Equal(t, i+1, list[0].To[0].Attempts)
			assert.True(t, began.Add(at).Equal(list[0].To[0].Next))
			assert.Equal(t, "451 4.3.0 Not now", list[0].To[0].Err)
			assert.EqualValues(t, i+1, b.asked.Load())
			if i == 2 {
				b.say(nil)
			}
			p.after(time.Until(list[0].To[0].Next))
		}
		assert.Len(t, b.Messages(), 1)
		p.requireEmpty()
		assert.EqualValues(t, 3, p.queue.Stats().Deferred)
	})
}

// Flush does not wait for the time.
func TestQueueFlush(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		var b moody
		p.serve("b.test", "192.0.2.1", &b)
		b.say(later)
		p.send("ann@a.test", "bob@b.test")
		p.settle()
		b.say(nil)
		p.queue.Flush()
		p.settle()
		assert.Len(t, b.Messages(), 1)
		p.requireEmpty()
	})
}

// Recipients that have the message do not get it again, whatever becomes of others, and
// nor do they after a restart.
func TestQueueRemembersRecipients(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		var b smtp.Inbox
		var c moody
		p.serve("b.test", "192.0.2.1", &b)
		p.serve("c.test", "192.0.2.2", &c)
		c.say(later)
		p.send("ann@a.test", "bob@b.test", "carl@c.test")
		p.settle()
		assert.Len(t, b.Messages(), 1)
		before := p.queue.List()
		p.restart()
		assert.Equal(t, before, p.queue.List())
		p.settle()
		assert.EqualValues(t, 1, c.asked.Load(), "it is not time yet")
		c.say(nil)
		p.after(time.Hour)
		assert.Len(t, b.Messages(), 1)
		assert.Len(t, c.Messages(), 1)
		p.requireEmpty()
	})
}

// A message is tried for the last time when it is as old as it may become, and then it is
// returned.
func TestQueueGivesUp(t *testing.T) {
	inPost(t, func(p *post) { p.queue.Backoff = nil }, func(t *testing.T, p *post) {
		var a smtp.Inbox
		var b moody
		p.serve("a.test", "192.0.2.1", &a)
		p.serve("b.test", "192.0.2.2", &b)
		b.say(later)
		p.send("ann@a.test", "bob@b.test")
		p.after(5*24*time.Hour - time.Second)
		require.Empty(t, a.Messages())
		assert.Greater(t, b.asked.Load(), int64(30))
		assert.Less(t, b.asked.Load(), int64(45))
		p.after(time.Second)
		require.Len(t, a.Messages(), 1)
		assert.Contains(t, string(a.Messages()[0].Text), "\r\nStatus: 4.4.7\r\n")
		assert.Empty(t, a.Messages()[0].From)
		p.requireEmpty()
	})
}

// The default back-off doubles from 5 min to 4 h.
func TestQueueBacksOff(t *testing.T) {
	inPost(t, func(p *post) { p.queue.Backoff = nil }, func(t *testing.T, p *post) {
		var b moody
		p.serve("b.test", "192.0.2.2", &b)
		b.say(later)
		p.send("ann@a.test", "bob@b.test")
		for _, want := range []int{5, 10, 20, 40, 80, 160, 240, 240, 240} {
			p.settle()
			wait, d := time.Until(p.queue.List()[0].To[0].Next), time.Duration(want)*time.Minute
			assert.GreaterOrEqual(t, wait, d-d/10)
			assert.LessOrEqual(t, wait, d+d/10)
			p.after(wait)
		}
	})
}

// crowd is so many addresses.
func crowd(n int) (to []string) {
	for i := range n {
		to = append(to, fmt.Sprintf("u%d@b.test", i))
	}
	return to
}

// What cannot be sent is refused at once.
func TestQueueRefuses(t *testing.T) {
	inPost(t, func(p *post) { p.queue.MaxMessages = 1 }, func(t *testing.T, p *post) {
		assert.Equal(t, "553 5.1.3", code(p.deliver("ann@a.test", "bob")))
		assert.Equal(t, "553 5.1.7", code(p.deliver("<ann@a.test>", "bob@b.test")))
		assert.Equal(t, "554 5.5.4", code(p.deliver("ann@a.test")))
		assert.Equal(t, "452 4.5.3", code(p.deliver("ann@a.test", crowd(4_100)...)))
		e := to("bob@b.test")
		e.Options.EnvelopeID = "a\r\nb"
		assert.Equal(t, "554 5.5.4", code(p.queue.Deliver(e, strings.NewReader(""))))
		assert.ErrorIs(t, p.queue.Deliver(to("bob@b.test"), failing{strings.NewReader("")}), errFailing)
		p.requireEmpty()
		p.broken("b.test", errFine)
		p.send("ann@a.test", "bob@b.test")
		assert.Equal(t, "452 4.3.1", code(p.deliver("ann@a.test", "bob@b.test")))
		require.NoError(t, p.queue.Close())
		assert.Equal(t, "451 4.3.2", code(p.deliver("ann@a.test", "bob@b.test")))
	})
	assert.Equal(t, "451 4.3.2", code(new(smtp.Queue).Deliver(to("bob@b.test"), strings.NewReader(""))))
	assert.NoError(t, new(smtp.Queue).Close())
}

// One folder is one Queue's.
func TestQueueLocks(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		assert.Error(t, p.queue.Start(p.network))
		other := p.another(p.queue.Dir)
		assert.ErrorContains(t, other.Start(p.network), "another Queue")
		require.NoError(t, p.queue.Close())
		require.NoError(t, other.Start(p.network))
		assert.NoError(t, other.Close())
		assert.Error(t, (&smtp.Queue{Dir: p.queue.Dir}).Start(p.network))
		assert.Error(t, (&smtp.Queue{Dir: p.queue.Dir, Resolver: p.dns, Domain: "a b"}).Start(p.network))
		assert.Error(t, (&smtp.Queue{Dir: "/no/such/folder", Resolver: p.dns}).Start(p.network))
	})
}

// What is left over is swept, what is corrupt is set aside, and the rest is sent.
func TestQueueStartsOver(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		var b moody
		p.serve("b.test", "192.0.2.1", &b)
		b.say(later)
		for range 5 {
			p.send("ann@a.test", "bob@b.test")
		}
		p.settle()
		require.NoError(t, p.queue.Close())
		ids := p.queue.List()
		in := func(name string) string { return filepath.Join(p.queue.Dir, name) }
		require.NoError(t, os.WriteFile(in("mail/"+ids[0].ID+".env"), []byte("{}"), 0o600))
		require.NoError(t, os.Truncate(in("mail/"+ids[1].ID+".eml"), 3))
		require.NoError(t, os.Remove(in("mail/"+ids[2].ID+".eml")))
		require.NoError(t, os.Rename(in("mail/"+ids[3].ID+".env"), in("mail/OTHER.env")))
		require.NoError(t, os.WriteFile(in("mail/README"), nil, 0o600))
		require.NoError(t, os.WriteFile(in("tmp/draft"), nil, 0o600))
		b.say(nil)
		p.queue = p.another(p.queue.Dir)
		require.NoError(t, p.queue.Start(p.network))
		require.Len(t, p.queue.List(), 1)
		assert.Equal(t, ids[4].ID, p.queue.List()[0].ID)
		p.queue.Flush()
		p.settle()
		assert.Len(t, b.Messages(), 1)
		assert.Empty(t, files(t, in("tmp")))
		assert.Len(t, files(t, in("mail")), 1)
		assert.Len(t, files(t, in("bad")), 6)
		assert.Equal(t, 4, strings.Count(p.log.String(), "cannot be read"))
	})
}

// A large message is received in the queue's own folder, and is what it was.
func TestQueueReceives(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		var b smtp.Inbox
		p.serve("b.test", "192.0.2.1", &b)
		for _, lines := range []int{1, 10_000} {
			text := strings.Repeat("a line of text\n", lines)
			codes, last := talk(smtp.Config{MaxMemory: 4096}, &smtp.Local{Delivery: p.queue},
				"EHLO me\nMAIL FROM:<a@other.test>\nRCPT TO:<bob@b.test>\nRCPT TO:<bea@b.test>\nDATA\n"+text+".\n")
			assert.Equal(t, greeting+"250 250 250 354 250 ", codes)
			p.settle()
			m, err := b.Next(t.Context())
			require.NoError(t, err)
			id := strings.TrimPrefix(last, "250 2.0.0 Ok: queued as ")
			assert.Contains(t, string(m.Text), "Received: from me ([192.0.2.2]) by mx.our.test with ESMTP id "+id+";")
			assert.True(t, strings.HasSuffix(string(m.Text), "+0000\r\n"+strings.ReplaceAll(text, "\n", "\r\n")))
			assert.Contains(t, p.log.String(), "id="+id)
			p.requireEmpty()
		}
		s, err := p.queue.Spool(envelope())
		require.NoError(t, err)
		_, err = io.WriteString(s, "half a messa")
		require.NoError(t, err)
		require.NoError(t, s.Close())
		p.requireEmpty()
	})
	_, err := new(smtp.Queue).Spool(envelope())
	assert.Equal(t, "451 4.3.2", code(err))
}

// Over LMTP each recipient has a message of its own, also in the queue.
func TestQueueReceivesLMTP(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		var b smtp.Inbox
		p.serve("b.test", "192.0.2.1", &b)
		text := strings.Repeat("a line of text\n", 1000)
		codes, _ := talk(smtp.Config{MaxMemory: 4096, LMTP: true}, &smtp.Local{Delivery: p.queue},
			"LHLO me\nMAIL FROM:<a@other.test>\nRCPT TO:<bob@b.test>\nRCPT TO:<bea@b.test>\nDATA\n"+text+".\n")
		assert.Equal(t, greeting+"250 250 250 354 250 250 ", codes)
		p.settle()
		assert.Len(t, b.Messages(), 2)
		p.requireEmpty()
	})
}
