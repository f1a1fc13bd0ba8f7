package smtp_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// More recipients than one transaction takes are put off one part after the other, and not
// the first part again and again.
func TestQueuePutsOffAllParts(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		var b moody
		b.say(later)
		p.serve("b.test", "192.0.2.1", &b)
		p.send("ann@a.test", crowd(250)...)
		p.settle()
		assert.EqualValues(t, 3, b.asked.Load())
		for _, r := range p.queue.List()[0].To {
			assert.Equal(t, 1, r.Attempts)
		}
		b.say(nil)
		p.queue.Flush()
		p.settle()
		assert.EqualValues(t, 6, b.asked.Load())
		p.requireEmpty()
	})
}

// A server that takes few recipients at a time gets the others at once, in transactions of
// their own (RFC 5321, section 4.5.3.1.10), as long as it takes any; one that takes none is
// not asked again before it is time.
func TestQueueSplitsRecipients(t *testing.T) {
	for _, no := range []string{
		"452 4.5.3 one by one\r\n", "452 too many\r\n", "552 5.5.3 too many\r\n", // as RFC 821 had it
	} {
		inPost(t, func(p *post) { p.queue.PerDestination = 1 }, func(t *testing.T, p *post) {
			const n = 5
			says := []string{"220 hi\r\n", "250 hi\r\n"}
			for left := n; left > 0; left-- {
				says = append(says, "250 ok\r\n", "250 ok\r\n")
				says = append(says, slices.Repeat([]string{no}, left-1)...)
				says = append(says, "354 go\r\n", "250 ok\r\n")
			}
			p.listen("b.test", "192.0.2.1", scripted(append(says, "221 bye\r\n")...))
			p.send("ann@a.test", crowd(n)...)
			p.settle()
			p.requireEmpty()
			assert.EqualValues(t, n, p.queue.Stats().Sent)
			assert.NotContains(t, p.log.String(), "smtp: report")
		})
	}
	inPost(t, func(p *post) { p.queue.PerDestination = 1 }, func(t *testing.T, p *post) {
		p.listen("b.test", "192.0.2.1", scripted("220 hi\r\n", "250 hi\r\n",
			"250 ok\r\n", "250 ok\r\n", "452 4.2.2 full\r\n", "354 go\r\n", "250 ok\r\n", // the first has it
			"250 ok\r\n", "452 4.2.2 full\r\n", "221 bye\r\n"))
		p.send("ann@a.test", crowd(2)...)
		p.settle()
		list := p.queue.List()
		require.Len(t, list, 1)
		require.Len(t, list[0].To, 1)
		assert.Equal(t, 1, list[0].To[0].Attempts)
		assert.Equal(t, time.Hour, time.Until(list[0].To[0].Next))
	})
}

// What has become too old for a destination which cannot be reached is returned with the
// message that has found out, and does not wait until it could find out itself.
func TestQueueGivesUpTogether(t *testing.T) {
	var bounces smtp.Inbox
	inPost(t, func(p *post) { p.queue.Bounces = &bounces }, func(t *testing.T, p *post) {
		c := &counted{Factory: scripted(silence)}
		p.listen("slow.test", "192.0.2.1", c)
		p.many(50, "bob@slow.test")
		to := crowd(150)
		for i := range to {
			to[i] = strings.Replace(to[i], "b.test", "slow.test", 1)
		}
		p.send("ann@a.test", to...)
		p.send("", "bob@slow.test") // of whom nobody wants to hear
		p.after(5*24*time.Hour - time.Second)
		require.Len(t, p.queue.List(), 52)
		require.Empty(t, bounces.Messages())
		before := c.all.Load()
		p.after(10 * time.Minute)
		assert.LessOrEqual(t, c.all.Load()-before, int64(2))
		p.requireEmpty()
		assert.EqualValues(t, 201, p.queue.Stats().Failed)
		returned := 0
		for _, m := range bounces.Messages() {
			for _, r := range requireReport(t, m).recipients {
				assert.Equal(t, "4.4.7", r.Get("Status"))
				returned++
			}
		}
		assert.Equal(t, 200, returned)
		told := regexp.MustCompile(`"smtp: given up" id=\w+ to=(\S+)`).FindAllStringSubmatch(p.log.String(), -1)
		named := 0
		for _, line := range told {
			named += strings.Count(line[1], "@")
		}
		assert.Equal(t, 200, named)
	})
}

// Who wants to hear of a delay does, also where another message has found out.
func TestQueueTellsAllOfDelays(t *testing.T) {
	var bounces smtp.Inbox
	inPost(t, func(p *post) { p.queue.Bounces = &bounces }, func(t *testing.T, p *post) {
		p.host("b.test", "192.0.2.9")
		for i := range 20 {
			e := &smtp.Envelope{From: fmt.Sprintf("ann%d@a.test", i), To: []smtp.Recipient{{
				Address: "bob@b.test", Options: smtp.RcptOptions{Notify: []gosmtp.DSNNotify{gosmtp.DSNNotifyDelayed}},
			}}}
			require.NoError(t, p.queue.Deliver(e, strings.NewReader(letter)))
		}
		p.after(24 * time.Hour)
		assert.Len(t, bounces.Messages(), 20)
		p.after(24 * time.Hour)
		assert.Len(t, bounces.Messages(), 20, "once")
		assert.Len(t, p.queue.List(), 20)
	})
}

// A host that takes no mail refuses it for all that wait, and at once.
func TestQueueReturnsAllThatNobodyTakes(t *testing.T) {
	inPost(t, func(p *post) { p.queue.Bounces = &smtp.Inbox{}; p.broken("b.test", errFine) }, func(t *testing.T, p *post) {
		p.many(5, "bob@b.test")
		p.settle()
		p.listen("b.test", "192.0.2.1", refusing("521 never"))
		p.queue.Flush()
		p.settle()
		p.requireEmpty()
		assert.EqualValues(t, 5, p.queue.Stats().Failed)
	})
}

// The parts of a large message go over one connection, if nothing else is to be sent.
func TestQueueKeepsConnectionForParts(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		var b smtp.Inbox
		c := &counted{Factory: smtp.Config{Domain: "b.test"}.New(&smtp.Local{Delivery: &b})}
		p.listen("b.test", "192.0.2.1", c)
		p.send("ann@a.test", crowd(1000)...)
		p.settle()
		assert.Len(t, b.Messages(), 10)
		assert.EqualValues(t, 1, c.all.Load())
		p.requireEmpty()
	})
}
