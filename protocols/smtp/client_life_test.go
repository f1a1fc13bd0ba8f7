package smtp_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/smtp"
)

// An outcome is what a Deferred has fired with.
type outcome struct {
	r   smtp.Result
	err error
}

// on runs f on the loop.
func (p *play) on(f func()) {
	p.Helper()
	_, err := protocol.Ask(context.Background(), p.config.Network, func() struct{} { f(); return struct{}{} })
	require.NoError(p, err)
}

// begin makes a Deferred on the loop, and returns it and where its result comes.
func (p *play) begin(f func() *deferred.Deferred[smtp.Result]) (*deferred.Deferred[smtp.Result], <-chan outcome) {
	p.Helper()
	var d *deferred.Deferred[smtp.Result]
	c := make(chan outcome, 1)
	p.on(func() {
		d = f()
		d.Done(func(r smtp.Result, err error) { c <- outcome{r, err} })
	})
	return d, c
}

// A Client does one thing after the other over one connection, whoever asks.
func TestClientInOrder(t *testing.T) {
	inBubble(t, func(p *play) {
		p.serve(hello + transaction + strings.ReplaceAll(transaction, "hi", "you") + "C: NOOP\nS: 250 ok" + goodbye)
		c := p.config.New()
		defer c.Close()
		var done []string
		all := make(chan struct{})
		p.on(func() {
			c.Send(message("hi", "bob@b.test")).Done(func(_ smtp.Result, err error) {
				assert.NoError(t, err)
				done = append(done, "hi")
			})
			c.Send(message("you", "bob@b.test")).Done(func(_ smtp.Result, err error) {
				assert.NoError(t, err)
				done = append(done, "you")
			})
			c.Noop().Done(func(_ struct{}, err error) {
				assert.NoError(t, err)
				done = append(done, "noop")
			})
			c.Quit().Done(func(_ struct{}, err error) {
				assert.NoError(t, err)
				close(all)
			})
		})
		<-all
		assert.Equal(t, []string{"hi", "you", "noop"}, done)
	})
}

// Who has nothing to do for a while says goodbye, and comes back.
func TestClientLeavesWhenIdle(t *testing.T) {
	for _, security := range []smtp.Security{smtp.TLSNever, smtp.TLSImplicit} {
		inBubble(t, func(p *play) {
			p.config.Security = security
			within := ""
			if security == smtp.TLSImplicit {
				within = "TLS\n"
			}
			p.serve(within+hello+transaction+transaction+goodbye, within+hello+transaction+goodbye)
			c := p.config.New()
			defer c.Close()
			for _, pause := range []time.Duration{59 * time.Second, time.Hour, 0} {
				_, err := c.SendContext(context.Background(), message("hi", "bob@b.test"))
				require.NoError(t, err)
				<-time.After(pause)
			}
			require.NoError(t, c.Close())
		})
	}
}

// A connection that the server has ended meanwhile is replaced, once: nothing was
// said on it. Whether it ends while the client waits or at its first word is a matter
// of luck.
func TestClientReplacesConnection(t *testing.T) {
	for name, end := range map[string]string{
		"left":               "CLOSE",
		"left, with a word":  "S: 421 bye\nCLOSE",
		"unasked":            "S: 250 what?",
		"at the first word":  "C: MAIL FROM:<ann@a.test>\nCLOSE",
		"421 to that":        "C: MAIL FROM:<ann@a.test>\nS: 421 bye",
		"no sense":           "C: MAIL FROM:<ann@a.test>\ns: what\\r\\n",
		"after a reply's 25": "C: MAIL FROM:<ann@a.test>\ns: 25\nCLOSE",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(p *play) {
				p.serve(hello+transaction+end, hello+transaction+goodbye)
				c := p.config.New()
				for range 2 {
					_, err := c.SendContext(context.Background(), message("hi", "bob@b.test"))
					require.NoError(p, err)
					synctest.Wait()
				}
				require.NoError(p, c.QuitContext(context.Background()))
				require.NoError(p, c.Close())
			})
		})
	}
	inBubble(t, func(p *play) {
		p.serve(hello+transaction+"C: MAIL FROM:<ann@a.test>\nCLOSE", hello+"C: MAIL FROM:<ann@a.test>\nCLOSE")
		c := p.config.New()
		_, err := c.SendContext(context.Background(), message("hi", "bob@b.test"))
		require.NoError(t, err)
		_, err = c.SendContext(context.Background(), message("hi", "bob@b.test"))
		requireSendError(t, err, "MAIL", false)
		assert.ErrorIs(t, err, io.EOF)
		require.NoError(t, c.Close())
	})
	inBubble(t, func(p *play) { // what was refused has been heard
		p.serve(hello + transaction + "C: MAIL FROM:<ann@a.test>\nS: 250 ok\nC: RCPT TO:<bob@b.test>\nCLOSE")
		c := p.config.New()
		_, err := c.SendContext(context.Background(), message("hi", "bob@b.test"))
		require.NoError(t, err)
		_, err = c.SendContext(context.Background(), message("hi", "bob@b.test"))
		requireSendError(t, err, "RCPT", false)
		require.NoError(t, c.Close())
	})
}

// givesUp are the ways to give a message up, and the error that it has then.
var givesUp = map[string]struct {
	begin func(p *play, c *smtp.Client, m smtp.Mail) (giveUp func(), result <-chan outcome)
	err   error
}{
	"Cancel": {func(p *play, c *smtp.Client, m smtp.Mail) (func(), <-chan outcome) {
		d, result := p.begin(func() *deferred.Deferred[smtp.Result] { return c.Send(m) })
		return func() { p.on(d.Cancel) }, result
	}, deferred.ErrCancelled},
	"ctx": {func(p *play, c *smtp.Client, m smtp.Mail) (func(), <-chan outcome) {
		ctx, cancel := context.WithCancel(context.Background())
		result := make(chan outcome, 1)
		go func() {
			r, err := c.SendContext(ctx, m)
			result <- outcome{r, err}
		}()
		return cancel, result
	}, context.Canceled},
	"Close, Deferred": {func(p *play, c *smtp.Client, m smtp.Mail) (func(), <-chan outcome) {
		_, result := p.begin(func() *deferred.Deferred[smtp.Result] { return c.Send(m) })
		return func() { _ = c.Close() }, result
	}, net.ErrClosed},
	"Close, ctx": {func(p *play, c *smtp.Client, m smtp.Mail) (func(), <-chan outcome) {
		result := make(chan outcome, 1)
		go func() {
			r, err := c.SendContext(context.Background(), m)
			result <- outcome{r, err}
		}()
		return func() { _ = c.Close() }, result
	}, net.ErrClosed},
	"Stop, Deferred": {func(p *play, c *smtp.Client, m smtp.Mail) (func(), <-chan outcome) {
		_, result := p.begin(func() *deferred.Deferred[smtp.Result] { return c.Send(m) })
		return p.stop, result
	}, protocol.ErrShutdown},
}

// Whoever gives a message up is told whether it may have been accepted, at once, and
// the connection ends. The Client goes on, if it may.
func TestClientGivesUp(t *testing.T) {
	for way, g := range givesUp {
		for i, e := range exchanges {
			t.Run(way+", "+e.verb, func(t *testing.T) {
				inBubble(t, func(p *play) {
					scenes := []string{upTo(i) + "HANG"}
					if g.err != net.ErrClosed && g.err != protocol.ErrShutdown {
						scenes = append(scenes, hello+transaction+goodbye)
					}
					p.serve(scenes...)
					c := p.config.New()
					giveUp, result := g.begin(p, c, message("hi", "bob@b.test"))
					synctest.Wait()
					begun := time.Now()
					giveUp()
					o := <-result
					assert.Equal(p, i == len(exchanges)-1, errorIs(o.err, smtp.ErrUnknown), o.err)
					assert.Equal(p, i < len(exchanges)-1, errorIs(o.err, smtp.ErrNotAccepted), o.err)
					want := g.err
					if want == protocol.ErrShutdown && errorIs(o.err, protocol.ErrStopped) {
						want = protocol.ErrStopped // it was faster than what the connection had to tell
					}
					assert.ErrorIs(p, o.err, want)
					require.Len(p, o.r.To, 1)
					assert.ErrorIs(p, o.r.To[0].Err, want)
					assert.Zero(p, time.Since(begun))
					if len(scenes) > 1 {
						_, err := c.SendContext(context.Background(), message("hi", "bob@b.test"))
						assert.NoError(p, err)
					}
					require.NoError(p, c.Close())
				})
			})
		}
	}
}

// The end of a message that was given up while it was written is never sent.
func TestClientGivesUpWhileWriting(t *testing.T) {
	inBubble(t, func(p *play) {
		p.stall = make(chan struct{})
		p.serve(upTo(4)+"S: 354 go on\nSTALL", hello+transaction+goodbye)
		c := p.config.New()
		large := smtp.Mail{From: "ann@a.test", To: []string{"bob@b.test"}, Body: strings.NewReader(strings.Repeat("x", 8<<20))}
		d, result := p.begin(func() *deferred.Deferred[smtp.Result] { return c.Send(large) })
		synctest.Wait()
		p.on(d.Cancel)
		o := <-result
		requireSendError(t, o.err, "send", false)
		close(p.stall)
		_, err := c.SendContext(context.Background(), message("hi", "bob@b.test"))
		assert.NoError(t, err)
		require.NoError(t, c.QuitContext(context.Background()))
		require.NoError(t, c.Close())
	})
}

// Nor is it where the Body has come to its end by then.
func TestClientGivesUpWhileReading(t *testing.T) {
	inBubble(t, func(p *play) {
		p.serve(upTo(4) + "S: 354 go on") // and nothing comes
		c := p.config.New()
		end := make(chan struct{})
		body := &fickle{Reader: strings.NewReader("hi"), second: func() (io.Reader, error) {
			return io.MultiReader(strings.NewReader("hi"), waits(end)), nil
		}}
		d, result := p.begin(func() *deferred.Deferred[smtp.Result] {
			return c.Send(smtp.Mail{From: "ann@a.test", To: []string{"bob@b.test"}, Body: body})
		})
		synctest.Wait()
		p.on(d.Cancel)
		requireSendError(t, (<-result).err, "send", false)
		close(end)
		require.NoError(t, c.Close())
	})
}

// A Reader that has nothing, but for its end, which it waits for.
type waits chan struct{}

func (w waits) Read([]byte) (int, error) {
	<-w
	return 0, io.EOF
}

// What waits for its turn can be given up, too, and the others do not notice.
func TestClientGivesUpInTheQueue(t *testing.T) {
	inBubble(t, func(p *play) {
		p.stall = make(chan struct{})
		p.serve(upTo(5) + "WAIT\nS: 250 ok\n" + strings.ReplaceAll(transaction, "hi", "last") + goodbye)
		c := p.config.New()
		_, first := p.begin(func() *deferred.Deferred[smtp.Result] { return c.Send(message("hi", "bob@b.test")) })
		d, second := p.begin(func() *deferred.Deferred[smtp.Result] { return c.Send(message("never", "bob@b.test")) })
		ctx, cancel := context.WithCancel(context.Background())
		third := make(chan error, 1)
		go func() {
			_, err := c.SendContext(ctx, message("nor", "bob@b.test"))
			third <- err
		}()
		_, last := p.begin(func() *deferred.Deferred[smtp.Result] { return c.Send(message("last", "bob@b.test")) })
		synctest.Wait()
		p.on(d.Cancel)
		cancel()
		requireSendError(t, (<-second).err, "send", false)
		requireSendError(t, <-third, "send", false)
		close(p.stall)
		assert.NoError(t, (<-first).err)
		assert.NoError(t, (<-last).err)
		require.NoError(t, c.QuitContext(context.Background()))
	})
}

// Close refuses what waits and what comes, may come again, and says goodbye.
func TestClientCloses(t *testing.T) {
	inBubble(t, func(p *play) {
		p.serve(upTo(3) + "HANG")
		c := p.config.New()
		_, first := p.begin(func() *deferred.Deferred[smtp.Result] { return c.Send(message("hi", "bob@b.test")) })
		_, second := p.begin(func() *deferred.Deferred[smtp.Result] { return c.Send(message("hi", "bob@b.test")) })
		synctest.Wait()
		require.NoError(t, c.Close())
		require.NoError(t, c.Close())
		for _, o := range []outcome{<-first, <-second} {
			assert.ErrorIs(t, o.err, net.ErrClosed)
			assert.ErrorIs(t, o.err, smtp.ErrNotAccepted)
		}
		_, third := p.begin(func() *deferred.Deferred[smtp.Result] { return c.Send(message("hi", "bob@b.test")) })
		assert.ErrorIs(t, (<-third).err, net.ErrClosed)
		_, err := c.SendContext(context.Background(), message("hi", "bob@b.test"))
		assert.ErrorIs(t, err, net.ErrClosed)
		assert.ErrorIs(t, c.NoopContext(context.Background()), net.ErrClosed)
		assert.ErrorIs(t, c.QuitContext(context.Background()), net.ErrClosed)
	})
	inBubble(t, func(p *play) {
		p.serve(hello + "C: NOOP\nS: 250 ok" + goodbye)
		c := p.config.New()
		require.NoError(t, c.NoopContext(context.Background()))
		require.NoError(t, c.Close())
		require.NoError(t, p.config.New().Close(), "which has never begun")
	})
	assert.PanicsWithValue(t, "smtp: ClientConfig needs a Network", func() { smtp.ClientConfig{}.New() })
}

// A server that does not answer a goodbye is left after a few seconds.
func TestClientDoesNotWaitForGoodbye(t *testing.T) {
	inBubble(t, func(p *play) {
		p.serve(hello + transaction + "C: QUIT\nHANG")
		begun := time.Now()
		_, err := p.send(message("hi", "bob@b.test"))
		assert.NoError(t, err)
		assert.Equal(t, 10*time.Second, time.Since(begun))
	})
	inBubble(t, func(p *play) { // and the message was accepted, whoever loses patience
		p.serve(hello + transaction + "C: QUIT\nHANG")
		d, result := p.begin(func() *deferred.Deferred[smtp.Result] { return smtp.Send(p.config, message("hi", "bob@b.test")) })
		synctest.Wait()
		p.on(d.Cancel)
		o := <-result
		assert.NoError(t, o.err)
		assert.Equal(t, "ok", o.r.Text)
	})
}

// When the loop stops a Client ends, also one that waits, and tells everybody.
func TestClientEndsWithTheLoop(t *testing.T) {
	inBubble(t, func(p *play) {
		p.serve(hello + "C: NOOP\nS: 250 ok\nHANG")
		c := p.config.New()
		require.NoError(t, c.NoopContext(context.Background()))
		p.stop()
		synctest.Wait()
		assert.ErrorIs(t, c.NoopContext(context.Background()), protocol.ErrStopped)
		_, err := c.SendContext(context.Background(), message("hi", "bob@b.test"))
		assert.ErrorIs(t, err, protocol.ErrStopped)
		requireSendError(t, err, "connect", false)
	})
}

// Nothing there is an error of the connection's.
func TestClientNobodyListens(t *testing.T) {
	inBubble(t, func(p *play) {
		p.config.Addr = "127.0.0.1:1"
		_, err := p.send(message("hi", "bob@b.test"))
		e := requireSendError(t, err, "connect", false)
		assert.True(t, e.Temporary())
		var op *net.OpError
		assert.ErrorAs(t, err, &op)
	})
}

// On the loop a call that waits for it would wait for ever.
func TestClientPanicsOnTheLoop(t *testing.T) {
	inBubble(t, func(p *play) {
		p.on(func() {
			assert.Panics(t, func() { _ = p.config.New().NoopContext(context.Background()) })
			assert.Panics(t, func() { _, _ = smtp.SendMail(context.Background(), p.config, message("hi", "bob@b.test")) })
		})
	})
}
