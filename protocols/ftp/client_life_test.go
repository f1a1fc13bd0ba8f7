package ftp_test

import (
	"bytes"
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
	"github.com/torsion-go/torsion/protocols/ftp"
)

// A Client does one thing after the other over one connection, whoever asks.
func TestClientInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		c := p.client()
		var done []string
		all := make(chan struct{})
		p.on(func() {
			c.Put("/a", strings.NewReader("hi"), 0).Done(func(got ftp.Copied, err error) {
				assert.NoError(t, err)
				done = append(done, "put")
			})
			c.Append("/a", strings.NewReader("!")).Done(func(got ftp.Copied, err error) {
				assert.EqualValues(t, 3, got.Size)
				done = append(done, "append")
			})
			c.Rename("/a", "/b").Done(func(struct{}, error) { done = append(done, "rename") })
			c.Size("/b").Done(func(n int64, err error) { assert.EqualValues(t, 3, n) })
			c.SetModTime("/b", noon).Done(func(_ struct{}, err error) { assert.NoError(t, err) })
			c.ModTime("/b").Done(func(at time.Time, err error) { assert.Equal(t, noon, at) })
			c.List("/").Done(func(l ftp.Listing, err error) { assert.Len(t, l.Entries, 1) })
			c.Mkdir("/d").Done(func(_ struct{}, err error) { assert.NoError(t, err) })
			c.MkdirAll("/d/e").Done(func(_ struct{}, err error) { assert.NoError(t, err) })
			c.RemoveDir("/d/e").Done(func(_ struct{}, err error) { assert.NoError(t, err) })
			c.Remove("/b").Done(func(_ struct{}, err error) { assert.NoError(t, err) })
			c.Pwd().Done(func(name string, err error) { assert.Equal(t, "/", name) })
			c.Noop().Done(func(_ struct{}, err error) { assert.NoError(t, err) })
			c.Quit().Done(func(_ struct{}, err error) {
				assert.NoError(t, err)
				close(all)
			})
		})
		<-all
		assert.Equal(t, []string{"put", "append", "rename"}, done)
		assert.Len(t, p.logins(), 1)
	})
}

// Several Clients do several things at once.
func TestClientsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		p.files["/a"] = file(string(large))
		done := make(chan error)
		for range 10 {
			c := p.client()
			go func() {
				var b bytes.Buffer
				_, err := c.GetContext(context.Background(), "/a", &b, 0)
				assert.True(t, bytes.Equal(large, b.Bytes()))
				done <- err
			}()
		}
		for range 10 {
			assert.NoError(t, <-done)
		}
	})
}

// Who has nothing to do for a while says goodbye, and comes back.
func TestClientLeavesWhenIdle(t *testing.T) {
	inEachSecurity(t, func(t *testing.T, p *play) {
		c := p.client()
		for i, pause := range []time.Duration{59 * time.Second, time.Hour, 0} {
			require.NoError(t, c.NoopContext(context.Background()))
			assert.Len(t, p.logins(), []int{1, 1, 2}[i])
			<-time.After(pause)
		}
	})
}

// A connection that the server has ended meanwhile is replaced, once: nothing was
// said on it.
func TestClientReplacesConnection(t *testing.T) {
	for _, reply := range []string{"!", "421 bye!", "22!", "what?"} {
		inBubble(t, func(t *testing.T, p *play) {
			n := 0
			p.instead = func(_ *session, verb, _ string) string {
				if verb == "NOOP" {
					if n++; n == 2 {
						return reply
					}
				}
				return ""
			}
			c := p.client()
			require.NoError(t, c.NoopContext(context.Background()))
			require.NoError(t, c.NoopContext(context.Background()), reply)
			assert.Len(t, p.logins(), 2)
		})
	}
}

// givesUp are the ways to give a transfer up, and the error that it has then.
var givesUp = map[string]struct {
	begin func(p *play, c *ftp.Client, to io.Writer) (giveUp func(), result <-chan outcome[ftp.Copied])
	err   error
}{
	"Cancel": {func(p *play, c *ftp.Client, to io.Writer) (func(), <-chan outcome[ftp.Copied]) {
		d, result := begun(p, func() *deferred.Deferred[ftp.Copied] { return c.Get("/a", to, 0) })
		return func() { p.on(d.Cancel) }, result
	}, deferred.ErrCancelled},
	"ctx": {func(_ *play, c *ftp.Client, to io.Writer) (func(), <-chan outcome[ftp.Copied]) {
		ctx, cancel := context.WithCancel(context.Background())
		return cancel, waited(ctx, c, to)
	}, context.Canceled},
	"Close, Deferred": {func(p *play, c *ftp.Client, to io.Writer) (func(), <-chan outcome[ftp.Copied]) {
		_, result := begun(p, func() *deferred.Deferred[ftp.Copied] { return c.Get("/a", to, 0) })
		return func() { _ = c.Close() }, result
	}, net.ErrClosed},
	"Close, ctx": {func(_ *play, c *ftp.Client, to io.Writer) (func(), <-chan outcome[ftp.Copied]) {
		return func() { _ = c.Close() }, waited(context.Background(), c, to)
	}, net.ErrClosed},
}

func waited(ctx context.Context, c *ftp.Client, to io.Writer) <-chan outcome[ftp.Copied] {
	result := make(chan outcome[ftp.Copied], 1)
	go func() {
		v, err := c.GetContext(ctx, "/a", to, 0)
		result <- outcome[ftp.Copied]{v, err}
	}()
	return result
}

// A transfer that is given up is reset, and the connection goes on when the server has
// said that it is over. If it does not say that in ten seconds, the connection ends.
func TestClientGivesUp(t *testing.T) {
	for way, g := range givesUp {
		for _, reply := range []string{"426 lost", "226 done", ""} {
			t.Run(way+", "+reply, func(t *testing.T) {
				inEachSecurity(t, func(t *testing.T, p *play) {
					p.files["/a"] = file("0123")
					p.deliver = func(c, raw net.Conn, b []byte) {
						_, _ = c.Write(b)
						_, err := raw.Read(make([]byte, 1<<16))
						for err == nil {
							_, err = raw.Read(make([]byte, 1<<16))
						}
						assert.True(t, protocol.IsReset(err), "%v", err)
					}
					p.instead = func(s *session, verb, _ string) string {
						if verb == "RETR" && reply == "" {
							s.send([]byte("0123"))
							_, _ = io.Copy(io.Discard, s.conn)
							return "!"
						}
						return ""
					}
					p.after = reply
					c := p.client()
					var b bytes.Buffer
					giveUp, result := g.begin(p, c, &b)
					synctest.Wait()
					at := time.Now()
					giveUp()
					o := <-result
					assert.ErrorIs(t, o.err, g.err)
					assert.EqualValues(t, 4, o.v.Bytes, "which have arrived")
					wait := 10 * time.Second
					if reply != "" || way == "Cancel" {
						wait = 0
					}
					assert.LessOrEqual(t, time.Since(at), wait)
					if g.err == net.ErrClosed {
						return
					}
					p.deliver, p.instead = nil, nil
					assert.NoError(t, c.NoopContext(context.Background()))
					assert.Len(t, p.logins(), map[bool]int{true: 1, false: 2}[reply != ""])
				})
			})
		}
	}
}

// An upload that is given up is no whole file.
func TestClientGivesUpUpload(t *testing.T) {
	inEachSecurity(t, func(t *testing.T, p *play) {
		p.files["/a"] = file("old")
		c := p.client()
		from, to := io.Pipe()
		d, result := begun(p, func() *deferred.Deferred[ftp.Copied] { return c.Put("/a", from, 0) })
		_, err := io.WriteString(to, "half")
		require.NoError(t, err)
		synctest.Wait()
		p.on(d.Cancel)
		o := <-result
		require.ErrorIs(t, o.err, deferred.ErrCancelled)
		assert.EqualValues(t, 4, o.v.Bytes)
		require.NoError(t, to.Close()) // now the Reader ends well
		assert.NoError(t, c.NoopContext(context.Background()))
		assert.Equal(t, "old", p.text("/a"))
	})
}

// What waits for a reply, or for its turn, can be given up as well.
func TestClientGivesUpCommand(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		stall := make(chan struct{})
		p.instead = func(_ *session, verb, _ string) string {
			if verb == "MKD" {
				<-stall
			}
			return ""
		}
		c := p.client()
		d, first := begun(p, func() *deferred.Deferred[struct{}] { return c.Mkdir("/x") })
		e, second := begun(p, func() *deferred.Deferred[struct{}] { return c.Mkdir("/y") })
		synctest.Wait()
		p.on(e.Cancel)
		require.ErrorIs(t, (<-second).err, deferred.ErrCancelled)
		p.on(d.Cancel)
		require.ErrorIs(t, (<-first).err, deferred.ErrCancelled)
		synctest.Wait() // until its connection has been ended
		close(stall)
		require.NoError(t, c.NoopContext(context.Background()))
		assert.Len(t, p.logins(), 2)
		require.NoError(t, c.Close())
		require.NoError(t, c.Close())
		assert.ErrorIs(t, c.NoopContext(context.Background()), net.ErrClosed)
		assert.ErrorIs(t, c.QuitContext(context.Background()), net.ErrClosed)
		require.NoError(t, p.config.New().Close(), "which has never begun")
	})
}

// When the loop stops a Client ends, and tells everybody.
func TestClientEndsWithTheLoop(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		c := p.client()
		require.NoError(t, c.NoopContext(context.Background()))
		p.server.Close()
		p.stop()
		synctest.Wait()
		assert.ErrorIs(t, c.NoopContext(context.Background()), protocol.ErrStopped)
	})
}

// On the loop a call that waits for it would wait for ever.
func TestClientPanicsOnTheLoop(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		p.on(func() { assert.Panics(t, func() { _ = p.client().NoopContext(context.Background()) }) })
	})
}

// Who says who he is does so where nobody listens, and as he is told to.
func TestClientLogin(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		require.NoError(t, p.client().NoopContext(context.Background()))
		p.config.User, p.config.Password = "ann", "sesame"
		require.ErrorIs(t, p.client().NoopContext(context.Background()), ftp.ErrNoAuth)
		p.config.AllowInsecureAuth = true
		require.NoError(t, p.client().NoopContext(context.Background()))
		p.config.Security, p.config.AllowInsecureAuth = ftp.TLSRequired, false
		require.NoError(t, p.client().NoopContext(context.Background()))
		assert.Equal(t, []string{"anonymous", "ann", "ann"}, p.logins())
		p.config.Password = "a\nb"
		require.ErrorIs(t, p.client().NoopContext(context.Background()), ftp.ErrNoAuth)
		p.config.User = "a\nb"
		require.ErrorIs(t, p.client().NoopContext(context.Background()), ftp.ErrName)
		assert.Len(t, p.logins(), 3)
		p.config.User = ""
		p.instead = func(_ *session, verb, _ string) string { return map[string]string{"PASS": "332 account?"}[verb] }
		require.ErrorIs(t, p.client().NoopContext(context.Background()), ftp.ErrNoAuth)
		p.instead = func(_ *session, verb, _ string) string { return map[string]string{"PASS": "530 no"}[verb] }
		requireRefused(t, p.client().NoopContext(context.Background()), "PASS", 530)
	})
}

// Without TLS there is nothing, unless that is asked for: no login, and no data.
func TestClientNoTLS(t *testing.T) {
	for verb, reply := range map[string]string{
		"AUTH": "502 what?", "PROT": "536 no", "PBSZ": "500 what?",
	} {
		inBubble(t, func(t *testing.T, p *play) {
			p.config.Security = ftp.TLSRequired
			p.instead = func(_ *session, v, _ string) string { return map[string]string{verb: reply}[v] }
			err := requireVerb(t, p.client().NoopContext(context.Background()), verb)
			if verb == "AUTH" {
				require.ErrorIs(t, err, ftp.ErrNoTLS)
				assert.Empty(t, p.logins())
			}
		})
	}
	for _, reply := range []string{"234 go on\r\n230 welcome", "234 go on\r\n2"} { // for whoever is between
		inBubble(t, func(t *testing.T, p *play) {
			p.config.Security = ftp.TLSRequired
			p.instead = func(_ *session, v, _ string) string { return map[string]string{"AUTH": reply}[v] }
			requireVerb(t, p.client().NoopContext(context.Background()), "AUTH")
			assert.Empty(t, p.logins())
		})
	}
	inBubble(t, func(t *testing.T, p *play) { // nobody we know
		p.config.Security, p.config.TLS = ftp.TLSRequired, nil
		requireVerb(t, p.client().NoopContext(context.Background()), "AUTH")
		assert.Empty(t, p.logins())
	})
}
