package smtp_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/smtp"
)

var whole = []string{"220 hi\r\n", "250 hi\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 ok\r\n", "221 bye\r\n"}

// Close ends what is under way when it has waited a little, at whatever step: what the server may have counts
// as an attempt, what it cannot have does not, and both are sent the next time.
func TestQueueCloses(t *testing.T) {
	for step := range 6 {
		for name, end := range map[string]func(p *post){
			"Close": func(p *post) { require.NoError(t, p.queue.Close()) },
			"Stop":  func(p *post) { p.network.Stop(); p.after(5 * time.Second) },
		} {
			inPost(t, nil, func(t *testing.T, p *post) {
				p.listen("b.test", "192.0.2.1", scripted(append(append([]string(nil), whole[:step]...), silence)...))
				p.send("ann@a.test", "bob@b.test")
				p.settle()
				require.True(t, p.queue.List()[0].To[0].Active)
				began := time.Now()
				end(p)
				assert.Equal(t, 5*time.Second, time.Since(began), name)
				list := p.queue.List()
				require.Len(t, list, 1)
				assert.False(t, list[0].To[0].Active)
				assert.Equal(t, step == 5, list[0].To[0].Attempts == 1, step)
				assert.Equal(t, step == 5, strings.Contains(list[0].To[0].Err, "perhaps accepted"), list[0].To[0].Err)
				assert.Zero(t, p.queue.Stats().Connections)
				if name == "Stop" {
					assert.NoError(t, p.deliver("ann@a.test", "bob@b.test"), "it is kept for the next time")
					assert.Len(t, p.queue.List(), 2)
					return
				}
				var b smtp.Inbox
				p.serve("b.test", "192.0.2.1", &b)
				p.restart()
				p.after(time.Hour)
				assert.Len(t, b.Messages(), 1)
				p.requireEmpty()
			})
		}
	}
}

// Where a connection is lost on its way, the message is sent again.
func TestQueueLosesConnections(t *testing.T) {
	for step := range 6 {
		inPost(t, nil, func(t *testing.T, p *post) {
			p.listen("b.test", "192.0.2.1", scripted(whole[:step]...))
			p.send("ann@a.test", "bob@b.test")
			p.settle()
			require.Len(t, p.queue.List(), 1)
			assert.Equal(t, 1, p.queue.List()[0].To[0].Attempts)
			assert.Equal(t, step == 5, strings.Contains(p.log.String(), "perhaps sent"))
			p.listen("b.test", "192.0.2.1", scripted(whole...))
			p.after(time.Hour)
			p.requireEmpty()
		})
	}
}

// What others have written may panic, and the message is not lost.
func TestQueueOutlivesPanics(t *testing.T) {
	for name, set := range map[string]func(q *smtp.Queue){
		"Tune":    func(q *smtp.Queue) { q.Tune = func(string, *smtp.ClientConfig) { panic("Tune") } },
		"Backoff": func(q *smtp.Queue) { q.Backoff = func(int) time.Duration { panic("Backoff") } },
	} {
		inPost(t, func(p *post) { set(p.queue) }, func(t *testing.T, p *post) {
			p.host("b.test", "192.0.2.9")
			p.send("ann@a.test", "bob@b.test")
			p.settle()
			require.Len(t, p.queue.List(), 1, name)
			assert.Equal(t, 1, p.queue.List()[0].To[0].Attempts)
			assert.Contains(t, p.log.String(), "panic")
		})
	}
	inPost(t, func(p *post) {
		p.queue.Bounces = smtp.Func(nil)
	}, func(t *testing.T, p *post) {
		p.send("ann@a.test", "bob@b.test")
		p.settle()
		require.Len(t, p.queue.List(), 1)
		assert.True(t, p.queue.List()[0].To[0].Failed)
	})
}

// A message for a server that has been slow before does not wait for those that wait.
func TestQueueTriesNewMessages(t *testing.T) {
	inPost(t, func(p *post) { p.broken("b.test", errors.New("broken")) }, func(t *testing.T, p *post) {
		p.send("ann@a.test", "bob@b.test")
		p.settle()
		var b smtp.Inbox
		p.serve("b.test", "192.0.2.1", &b)
		p.send("ann@a.test", "bob@b.test")
		p.settle()
		assert.Len(t, b.Messages(), 1)
	})
}

// What ends in time has ended, and nothing else is begun.
func TestQueueCloseWaits(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		slow, taken := make(chan struct{}), new(atomic.Int64)
		p.serve("b.test", "192.0.2.1", smtp.Func(func(*smtp.Envelope, io.ReadSeeker) error {
			<-slow
			taken.Add(1)
			return nil
		}))
		p.send("ann@a.test", "bob@b.test")
		p.settle()
		time.AfterFunc(4*time.Second, func() {
			p.send("ann@a.test", "bob@b.test")
			close(slow)
		})
		require.NoError(t, p.queue.Close())
		assert.EqualValues(t, 1, taken.Load())
		require.Len(t, p.queue.List(), 1)
		assert.Zero(t, p.queue.List()[0].To[0].Attempts)
	})
}

// A guest is connected, and notes when he is told to go.
type guest struct {
	line.Base
	told time.Time
}

func (g *guest) LineReceived([]byte) {}

func (g *guest) Shutdown() {
	g.told = time.Now()
	g.LoseConnection()
}

// Who is connected to us does not wait, when all ends, for what a Queue has to send, and that is
// sent nevertheless, if it takes no longer than it may.
func TestQueueEndsBesideOthers(t *testing.T) {
	for name, takes := range map[string]time.Duration{"in time": 4 * time.Second, "late": time.Minute} {
		t.Run(name, func(t *testing.T) {
			inPost(t, nil, func(t *testing.T, p *post) {
				slow := &slowpoke{actor: actor{says: whole}, takes: takes}
				p.listen("b.test", "192.0.2.1", factory.Each(func() protocol.Protocol { return line.New(slow) }))
				g := &guest{}
				port, err := p.network.Listen("tcp", "127.0.0.1:0", factory.Each(func() protocol.Protocol { return line.New(g) }))
				require.NoError(t, err)
				_, err = netconn.Dialer{Network: p.network}.Dial("tcp", port.Addr().String())
				require.NoError(t, err)
				p.send("ann@a.test", "bob@b.test")
				p.settle()
				began := time.Now()
				p.network.Stop()
				p.settle()
				assert.True(t, began.Equal(g.told), "%v %v", began, g.told)
				p.after(5 * time.Second)
				if name == "in time" {
					p.requireEmpty()
					assert.EqualValues(t, 1, p.queue.Stats().Sent)
				} else {
					require.Len(t, p.queue.List(), 1)
					assert.False(t, p.queue.List()[0].To[0].Active)
				}
			})
		})
	}
}

// A slowpoke takes his time for what he says to a message.
type slowpoke struct {
	actor
	takes time.Duration
}

func (s *slowpoke) LineReceived(l []byte) {
	if string(l) == "." {
		time.AfterFunc(s.takes, func() { // by the time of the bubble
			_ = s.Loop().Call(func() { s.actor.LineReceived([]byte(".")) })
		})
		return
	}
	s.actor.LineReceived(l)
}

// A nosy one looks at a Queue whenever that has something to say.
type nosy struct {
	slog.Handler
	queue *smtp.Queue
	asked atomic.Int64
}

func (n *nosy) Enabled(context.Context, slog.Level) bool { return true }

func (n *nosy) Handle(context.Context, slog.Record) error {
	n.queue.Stats()
	n.queue.List()
	n.queue.Flush()
	n.asked.Add(1)
	return nil
}

// Who asks a Queue on the loop how it is doing does not wait for its disk, also while it
// starts.
func TestQueueAnswersWhileItStarts(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		require.NoError(t, p.queue.Close())
		require.NoError(t, os.WriteFile(filepath.Join(p.queue.Dir, "mail", "junk"), nil, 0o600))
		p.queue = p.another(p.queue.Dir)
		look := &nosy{Handler: slog.DiscardHandler, queue: p.queue}
		p.queue.Logger = slog.New(look)
		require.NoError(t, p.queue.Start(p.network))
		assert.EqualValues(t, 1, look.asked.Load())
		p.send("ann@a.test", "bob@b.test")
		p.settle()
		assert.Greater(t, look.asked.Load(), int64(2))
	})
}

// Whoever calls Close may use the folder when it has returned, also if somebody else was
// first.
func TestQueueClosesForAll(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		both, slow := make(chan error, 2), &slowReader{Reader: strings.NewReader(letter), seen: make(chan struct{}), open: make(chan struct{})}
		go func() { both <- p.queue.Deliver(to("bob@b.test"), slow) }()
		<-slow.seen
		var closed atomic.Int64
		for range 2 {
			go func() {
				assert.NoError(t, p.queue.Close())
				closed.Add(1)
			}()
		}
		p.settle()
		assert.Zero(t, closed.Load(), "a message is being taken")
		close(slow.open)
		assert.NoError(t, <-both)
		p.settle()
		assert.EqualValues(t, 2, closed.Load())
	})
}

// A slowReader says when it is read first, and waits then.
type slowReader struct {
	*strings.Reader
	once       sync.Once
	seen, open chan struct{}
}

func (s *slowReader) Seek(offset int64, whence int) (int64, error) {
	s.once.Do(func() { close(s.seen) })
	<-s.open
	return s.Reader.Seek(offset, whence)
}
