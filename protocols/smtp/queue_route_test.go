package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/smtp"
)

// refusing is a server that says so, as its greeting.
func refusing(greeting string) factory.Factory {
	return factory.Each(func() protocol.Protocol { return line.New(&grumpy{greeting: greeting}) })
}

type grumpy struct {
	line.Base
	greeting string
}

func (g *grumpy) ConnectionMade(c *line.Conn) { c.SendLine(g.greeting) }

func (g *grumpy) LineReceived([]byte) { g.LoseConnection() }

// fate is what becomes of a message: "sent to" an ip, "later" or "never", with the status
// of the last attempt.
func (p *post) fate(to string) string {
	p.Helper()
	inboxes := make(map[string]*smtp.Inbox)
	for _, ip := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "127.0.0.1"} {
		inboxes[ip] = &smtp.Inbox{}
		if _, known := p.ports.Load(ip + ":25"); !known {
			p.serve("mx"+ip[len(ip)-1:]+".test", ip, inboxes[ip])
		}
	}
	var bounces smtp.Inbox
	p.queue.Bounces.(*bouncer).to = &bounces
	p.send("ann@a.test", to)
	p.settle()
	for ip, inbox := range inboxes {
		if len(inbox.Messages()) > 0 {
			return "sent to " + ip
		}
	}
	if list := p.queue.List(); len(list) > 0 {
		return "later " + list[0].To[0].Err
	}
	require.Len(p, bounces.Messages(), 1)
	text := string(bounces.Messages()[0].Text)
	_, text, _ = strings.Cut(text, "\r\nStatus: ")
	text, _, _ = strings.Cut(text, "\r\n")
	return "never " + text
}

// Who hangs up, falls silent or says that he is closing before he has the message is as if he
// were not there: the next one is asked (RFC 5321, section 5.1). He who may have it is the last, and so
// is he who has something to say of it.
func TestQueueAsksTheNextServer(t *testing.T) {
	ends := map[string]struct {
		says  string
		after time.Duration
	}{
		"hangs up": {"", 0}, "closes": {"421 4.3.2 bye\r\n", 0}, "falls silent": {silence, 12 * time.Minute}, "makes no sense": {"what?\r\n", 0},
		"not now": {"451 4.3.0 Not now\r\n", 0},
	}
	for step := 2; step < 6; step++ { // MAIL, RCPT, DATA, the end
		for name, end := range ends {
			t.Run(fmt.Sprint(step, " ", name), func(t *testing.T) {
				inPost(t, nil, func(t *testing.T, p *post) {
					says := append([]string(nil), whole[:step]...)
					if name != "hangs up" {
						says = append(says, end.says)
					}
					p.listen("mx1.test", "192.0.2.1", scripted(says...))
					var b smtp.Inbox
					p.serve("mx2.test", "192.0.2.2", &b)
					p.route("b.test", "mx1.test", "mx2.test")
					p.send("ann@a.test", "bob@b.test")
					p.after(end.after)
					if name == "not now" || step == 5 && name != "closes" {
						assert.Empty(t, b.Messages())
						require.Len(t, p.queue.List(), 1)
						assert.Equal(t, 1, p.queue.List()[0].To[0].Attempts)
						assert.Equal(t, name != "not now", strings.Contains(p.queue.List()[0].To[0].Err, "perhaps"))
						return
					}
					assert.Len(t, b.Messages(), 1)
					p.requireEmpty()
				})
			})
		}
	}
}

// Three that lose it are enough, for that may take them long; the others are for the next time.
func TestQueueAsksFewWhoLose(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		var hosts []string
		for i := range 6 {
			hosts = append(hosts, fmt.Sprintf("mx%d.test", i))
			p.listen(hosts[i], fmt.Sprintf("192.0.2.%d", i+1), scripted(append(append([]string(nil), whole[:2]...), "421 bye\r\n")...))
		}
		p.route("b.test", hosts...)
		p.send("ann@a.test", "bob@b.test")
		p.settle()
		require.Len(t, p.queue.List(), 1)
		assert.Contains(t, p.queue.List()[0].To[0].Err, "421")
		assert.Contains(t, p.log.String(), "host=mx2.test")
	})
}

// Where nobody takes the message it counts what was said by who had begun to.
func TestQueueKnowsWhoWasThere(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		p.listen("mx1.test", "192.0.2.1", scripted(append(append([]string(nil), whole[:3]...), "550 5.1.1 who?\r\n", "421 bye\r\n")...))
		p.host("mx2.test", "192.0.2.9")
		p.broken("mx3.test", errFine)
		p.route("b.test", "mx1.test", "mx2.test", "mx3.test")
		p.queue.Bounces = &smtp.Inbox{}
		p.send("ann@a.test", "eve@b.test", "bob@b.test")
		p.settle()
		list := p.queue.List()
		require.Len(t, list, 1)
		require.Len(t, list[0].To, 1, "one was refused")
		assert.Equal(t, "bob@b.test", list[0].To[0].Address)
		assert.Contains(t, list[0].To[0].Err, "421")
		assert.Contains(t, p.log.String(), "host=mx1.test")
	})
}

// A connection that has served another message, and ends in the middle of this one, is replaced
// at once.
func TestQueueReplacesConnections(t *testing.T) {
	inPost(t, func(p *post) { p.queue.PerDestination = 1 }, func(t *testing.T, p *post) {
		says := append(append([]string(nil), whole[:6]...), whole[2:4]...)
		p.listen("b.test", "192.0.2.1", scripted(append(says, "421 bye\r\n")...))
		p.send("ann@a.test", "bob@b.test")
		p.send("ann@a.test", "bob@b.test")
		p.settle()
		assert.EqualValues(t, 2, p.queue.Stats().Sent)
		p.requireEmpty()
	})
}

// bouncer is a Delivery that may be another each time.
type bouncer struct{ to smtp.Delivery }

func (b *bouncer) Deliver(e *smtp.Envelope, message io.ReadSeeker) error {
	return b.to.Deliver(e, message)
}

// RFC 5321, section 5.1, RFC 7505, RFC 7504, and what there is to be careful about.
func TestQueueFindsServers(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(p *post)
		to   string
		want string
	}{
		"the best": {func(p *post) { p.route("b.test", "mx1.test", "mx2.test") }, "bob@b.test", "sent to 192.0.2.1"},
		"the next if it is not there": {func(p *post) {
			p.host("mx9.test", "192.0.2.9")
			p.route("b.test", "mx9.test", "mx2.test")
		}, "bob@b.test", "sent to 192.0.2.2"},
		"the next if it has no address": {func(p *post) { p.route("b.test", "mx9.test", "mx2.test") }, "bob@b.test", "sent to 192.0.2.2"},
		"the next if it is not at home": {func(p *post) {
			p.listen("mx1.test", "192.0.2.1", refusing("554 no"))
			p.route("b.test", "mx1.test", "mx2.test")
		}, "bob@b.test", "sent to 192.0.2.2"},
		"another address":              {func(p *post) { p.host("mx4.test", "192.0.2.9", "192.0.2.3"); p.route("b.test", "mx4.test") }, "bob@b.test", "sent to 192.0.2.3"},
		"none if it is no mail server": {func(p *post) { p.listen("b.test", "192.0.2.1", refusing("521 never")) }, "bob@b.test", "never 5.0.0"},
		"later if none is at home":     {func(p *post) { p.listen("b.test", "192.0.2.1", refusing("554 5.7.1 no")) }, "bob@b.test", "later 554 5.7.1 no"},
		"the domain itself":            {func(p *post) { p.host("b.test", "192.0.2.3") }, "bob@b.test", "sent to 192.0.2.3"},
		"no such domain":               {func(*post) {}, "bob@b.test", "never 5.1.2"},
		"no domain":                    {func(*post) {}, "postmaster", "never 5.1.2"},
		"no addresses":                 {func(p *post) { p.route("b.test", "mx8.test", "mx9.test") }, "bob@b.test", "never 5.4.4"},
		"null MX":                      {func(p *post) { p.route("b.test", "") }, "bob@b.test", "never 5.1.10"},
		"the DNS does not know now":    {func(p *post) { p.broken("b.test", errors.New("broken")) }, "bob@b.test", "later 451 4.4.3 broken"},
		"nor says which one that is":   {func(p *post) { p.broken("b.test", &net.DNSError{Err: "no", Name: "b.test.", Server: "10.0.0.1:53"}) }, "bob@b.test", "later 451 4.4.3 lookup b.test.: no"},
		"nor of the only server":       {func(p *post) { p.route("b.test", "mx9.test"); p.broken("mx9.test", errors.New("broken")) }, "bob@b.test", "later 451 4.4.3 broken"},
		"us":                           {func(p *post) { p.route("b.test", "US.test") }, "bob@b.test", "never 5.4.6"},
		"us under another name":        {func(p *post) { p.route("b.test", "alias.test") }, "bob@b.test", "never 5.4.6"},
		"not us, nor who is worse":     {func(p *post) { p.route("b.test", "mx9.test", "us.test", "mx1.test"); p.host("mx9.test", "192.0.2.9") }, "bob@b.test", "later connect"},
		"who is better than us":        {func(p *post) { p.route("b.test", "mx1.test", "us.test") }, "bob@b.test", "sent to 192.0.2.1"},
		"this host":                    {func(p *post) { p.host("b.test", "127.0.0.1", "::1", "0.0.0.0", "::ffff:127.0.0.1") }, "bob@b.test", "never 5.4.6"},
		"this host if it may be":       {func(p *post) { p.host("b.test", "127.0.0.1"); p.queue.AllowLoopback = true }, "bob@b.test", "sent to 127.0.0.1"},
		"an address":                   {func(*post) {}, "bob@[192.0.2.2]", "sent to 192.0.2.2"},
		"an address of IPv6":           {func(p *post) { p.ports.Store("[2001:db8::1]:25", "[::1]:9") }, "bob@[IPv6:2001:DB8::1]", "later connect"},
		"this address":                 {func(*post) {}, "bob@[127.0.0.1]", "never 5.4.6"},
		"our address, mapped to IPv6":  {func(*post) {}, "bob@[IPv6:::ffff:127.0.0.1]", "never 5.4.6"},
		"of so many only some are tried": {func(p *post) {
			var hosts []string
			for i := range 30 {
				hosts = append(hosts, fmt.Sprintf("many%d.test", i))
				p.host(hosts[i], "192.0.2.9")
			}
			p.route("b.test", append(hosts, "mx1.test")...)
		}, "bob@b.test", "later connect"},
	} {
		t.Run(name, func(t *testing.T) {
			inPost(t, func(p *post) {
				p.queue.Aliases, p.queue.Bounces = []string{"alias.test."}, &bouncer{}
				c.set(p)
			}, func(t *testing.T, p *post) {
				got := p.fate(c.to)
				if strings.HasPrefix(c.want, "later connect") {
					assert.Regexp(t, "^later smtp: not accepted: connect: ", got)
				} else {
					assert.Equal(t, c.want, got, p.log)
				}
			})
		})
	}
}

// Equals take turns.
func TestQueueSharesAmongEquals(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		var inboxes [2]smtp.Inbox
		p.serve("mx1.test", "192.0.2.1", &inboxes[0])
		p.serve("mx2.test", "192.0.2.2", &inboxes[1])
		p.route("b.test", "mx1.test", "mx2.test")
		p.mx["b.test."][1].Pref = 10
		for range 60 {
			p.send("ann@a.test", "bob@b.test")
			p.settle()
		}
		assert.Greater(t, len(inboxes[0].Messages()), 10)
		assert.Greater(t, len(inboxes[1].Messages()), 10)
	})
}

// A smarthost takes all, with a password, which it may not like for a while.
func TestQueueSmarthost(t *testing.T) {
	var hub smtp.Inbox
	var likes atomic.Bool
	inPost(t, func(p *post) {
		port, err := p.network.Listen("tcp", "127.0.0.1:0", smtp.Config{Domain: "hub.test", AllowInsecureAuth: true}.New(&smtp.Local{
			Delivery: &hub, RequireAuth: true,
			Authenticate: func(user, password string) error {
				if !likes.Load() {
					return errors.New("wrong")
				}
				return nil
			},
		}))
		require.NoError(t, err)
		p.queue.Smarthost = smtp.ClientConfig{
			Addr: port.Addr().String(), Security: smtp.TLSNever, User: "us", Password: "x", AllowInsecureAuth: true,
		}
		p.queue.Resolver, p.queue.Tune = nil, nil
	}, func(t *testing.T, p *post) {
		p.send("ann@a.test", "bob@b.test", "carl@c.test", "postmaster")
		p.send("ann@a.test", "dora@d.test")
		p.settle()
		p.network.Advance(time.Second) // which the server takes to refuse
		p.settle()
		require.Len(t, p.queue.List(), 2)
		assert.Contains(t, p.queue.List()[0].To[0].Err, "535 5.7.8")
		assert.Contains(t, p.log.String(), "level=WARN msg=\"smtp: put off\"")
		likes.Store(true)
		p.after(time.Hour)
		require.Len(t, hub.Messages(), 2)
		assert.Equal(t, 4, len(hub.Messages()[0].To)+len(hub.Messages()[1].To))
		assert.Equal(t, "us.test", hub.Messages()[0].Peer.Hostname)
		p.requireEmpty()
	})
}

// moving is a dns that knows of no server any more when it was asked once.
type moving struct {
	*dns
	asked atomic.Bool
}

func (f *moving) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	if f.asked.Swap(true) {
		return []*net.MX{{Host: "."}}, nil
	}
	return f.dns.LookupMX(ctx, name)
}

// A report does not say that a server has refused what was not said to it.
func TestQueueReportsNoHostThatWasNotAsked(t *testing.T) {
	var bounces smtp.Inbox
	inPost(t, func(p *post) {
		p.queue.Bounces, p.queue.PerDestination, p.queue.Resolver = &bounces, 1, &moving{dns: p.dns}
	}, func(t *testing.T, p *post) {
		both := make(chan struct{})
		p.serve("b.test", "192.0.2.1", smtp.Func(func(*smtp.Envelope, io.ReadSeeker) error { <-both; return nil }))
		p.send("ann@a.test", "bob@b.test")
		p.settle()
		e := to("bob@b.test")
		e.From, e.Options.RequireTLS = "ann@a.test", true // it is not sent over the same connection
		require.NoError(t, p.queue.Deliver(e, strings.NewReader(letter)))
		close(both)
		p.settle()
		require.Len(t, bounces.Messages(), 1)
		r := requireReport(t, bounces.Messages()[0])
		assert.Equal(t, "5.1.10", r.recipients[0].Get("Status"))
		assert.Empty(t, r.recipients[0].Get("Remote-MTA"))
		assert.Empty(t, r.recipients[0].Get("Diagnostic-Code"))
		assert.Contains(t, r.text, "We say:\r\n        556 5.1.10 the domain takes no mail")
	})
}

// A smarthost that could never be sent to is found out at once, and not when mail is too old;
// Tune may have something to say to that.
func TestQueueChecksSmarthost(t *testing.T) {
	for name, c := range map[string]smtp.ClientConfig{
		"no port":              {Addr: "hub.test"},
		"no name of ours":      {Addr: "hub.test:25", LocalName: "a b"},
		"a password in clear":  {Addr: "hub.test:25", User: "us", Password: "x", Security: smtp.TLSNever},
		"a password to anyone": {Addr: "hub.test:25", User: "us", Password: "x", Security: smtp.TLSOpportunistic},
	} {
		inPost(t, nil, func(t *testing.T, p *post) {
			q := p.another(filepath.Join(t.TempDir(), "queue"))
			q.Smarthost, q.Tune = c, nil
			assert.ErrorContains(t, q.Start(p.network), "Smarthost", name)
			q.Tune = func(string, *smtp.ClientConfig) {}
			require.NoError(t, q.Start(p.network), name)
			assert.NoError(t, q.Close())
		})
	}
}
