package smtp_test

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// What is sent is logged with what the server said, by which it can be found there.
func TestQueueLogsReplies(t *testing.T) {
	for _, lmtp := range []bool{false, true} {
		var b smtp.Inbox
		inPost(t, func(p *post) {
			config := smtp.Config{LMTP: lmtp}
			port, err := p.network.Listen("tcp", "127.0.0.1:0", config.New(&smtp.Local{Delivery: &b}))
			require.NoError(t, err)
			p.queue.Smarthost = smtp.ClientConfig{Addr: port.Addr().String(), Security: smtp.TLSNever, LMTP: lmtp}
		}, func(t *testing.T, p *post) {
			p.send("ann@a.test", "bob@b.test")
			p.settle()
			require.Len(t, b.Messages(), 1)
			assert.Contains(t, p.log.String(), "queued as "+b.Messages()[0].ID)
		})
	}
}

// Those of a message who share an attempt share a line of the log; who was answered alone has
// his own.
func TestQueueLogsAttempts(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		p.host("dead.test", "192.0.2.9")
		p.serve("b.test", "192.0.2.1", &smtp.Inbox{})
		p.send("ann@a.test", "bob@dead.test", "carl@dead.test", "bob@b.test", "carl@b.test")
		p.settle()
		log := p.log.String()
		assert.Equal(t, 1, strings.Count(log, `msg="smtp: put off"`), log)
		assert.Contains(t, log, " to=bob@dead.test,carl@dead.test host=dead.test attempts=1 ")
		assert.Equal(t, 2, strings.Count(log, `msg="smtp: sent"`), log)
	})
}

// What waits when a Queue starts is said, and until when.
func TestQueueLogsWhatWaits(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		assert.NotContains(t, p.log.String(), "waiting")
		p.host("dead.test", "192.0.2.9")
		p.send("ann@a.test", "bob@dead.test")
		p.after(30 * time.Minute)
		p.send("ann@a.test", "carl@dead.test")
		p.settle()
		next := p.queue.List()[0].To[0].Next // an hour behind the first attempt
		p.restart()
		assert.Contains(t, p.log.String(), `level=INFO msg="smtp: mail is waiting" messages=2 next=`+next.Format("2006-01-02T15:04:05.000Z07:00")+"\n")
		require.NoError(t, p.queue.Close())
		time.Sleep(2 * time.Hour) // in the bubble
		p.queue = p.another(p.queue.Dir)
		now := time.Now().UTC()
		require.NoError(t, p.queue.Start(p.network))
		assert.Contains(t, p.log.String(), `"smtp: mail is waiting" messages=2 next=`+now.Format("2006-01-02T15:04:05.000Z07:00")+"\n")
	})
}

// A server that wants us to log in says nothing of the message, which waits for an operator
// who is told.
func TestQueueWaitsForLogin(t *testing.T) {
	var b moody
	inPost(t, nil, func(t *testing.T, p *post) {
		p.listen("b.test", "192.0.2.1", smtp.Config{}.New(&smtp.Local{Delivery: &b, RequireAuth: true}))
		p.send("ann@a.test", "bob@b.test")
		p.after(24 * time.Hour)
		list := p.queue.List()
		require.Len(t, list, 1)
		assert.Contains(t, list[0].To[0].Err, "530 5.7.0")
		assert.Contains(t, p.log.String(), "level=WARN msg=\"smtp: put off\"")
	})
}

// A witness asks something when it is told of what.
type witness struct {
	slog.Handler
	what string
	ask  func()
}

func (w *witness) WithAttrs([]slog.Attr) slog.Handler { return w }

func (w *witness) Enabled(context.Context, slog.Level) bool { return true }

func (w *witness) Handle(_ context.Context, l slog.Record) error {
	if l.Message == w.what {
		w.ask()
	}
	return nil
}

// What has become of a message is on the disk before anybody is told, for until then it would
// be sent again.
func TestQueueWritesBeforeItTells(t *testing.T) {
	var told atomic.Int64
	inPost(t, func(p *post) {
		dir := p.queue.Dir
		p.queue.Logger = slog.New(&witness{Handler: slog.DiscardHandler, what: "smtp: sent", ask: func() {
			told.Add(1)
			assert.Empty(t, files(t, dir, "mail"))
		}})
	}, func(t *testing.T, p *post) {
		var b smtp.Inbox
		p.serve("b.test", "192.0.2.1", &b)
		p.send("ann@a.test", "bob@b.test")
		p.settle()
		assert.EqualValues(t, 1, told.Load())
	})
}
