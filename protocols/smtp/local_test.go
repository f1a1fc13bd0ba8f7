package smtp_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// code is the reply's code and enhanced code that err stands for; empty for none.
func code(err error) string {
	if err == nil {
		return ""
	}
	reply, ok := errors.AsType[*smtp.SMTPError](err)
	if !ok {
		return "not a reply: " + err.Error()
	}
	c := reply.EnhancedCode
	return fmt.Sprintf("%d %d.%d.%d", reply.Code, c[0], c[1], c[2])
}

// A heard is what a recorder was given.
type heard struct {
	to   []string
	text string
	e    *smtp.Envelope
}

// A recorder is a Delivery that remembers, and answers what it is told to.
type recorder struct {
	heard  []heard
	answer func(e *smtp.Envelope) error
}

func (r *recorder) Deliver(e *smtp.Envelope, message io.ReadSeeker) error {
	text, err := io.ReadAll(message)
	if err != nil {
		return err
	}
	h := heard{text: string(text), e: e}
	for _, to := range e.To {
		h.to = append(h.to, to.Address)
	}
	r.heard = append(r.heard, h)
	if r.answer == nil {
		return nil
	}
	return r.answer(e)
}

func local() (*smtp.Local, *recorder, *recorder) {
	here, elsewhere := new(recorder), new(recorder)
	return &smtp.Local{
		Domains: []string{"our.test", "Also.Test"}, Delivery: here, Outgoing: elsewhere,
	}, here, elsewhere
}

func session(t testing.TB, b smtp.Backend, p *smtp.Peer) smtp.Session {
	t.Helper()
	s, err := b.NewSession(p)
	require.NoError(t, err)
	return s
}

// rcpt is the reply to a recipient in a transaction of its own.
func rcpt(t testing.TB, b smtp.Backend, user, to string) string {
	t.Helper()
	s := session(t, b, &smtp.Peer{User: user})
	require.NoError(t, s.Mail("a@other.test", &smtp.MailOptions{}))
	return code(s.Rcpt(to, &smtp.RcptOptions{}))
}

// Who is taken: those who are here, and for users those elsewhere.
func TestLocalRecipients(t *testing.T) {
	catchAll, _, _ := local()
	some, _, _ := local()
	some.Mailboxes = []string{"Ann", "bob@our.test", `"john smith"@our.test`, "100%@our.test"}
	any := &smtp.Local{Delivery: new(recorder)}
	anyOf := &smtp.Local{Delivery: new(recorder), Mailboxes: []string{"ann"}}
	literal := &smtp.Local{Delivery: new(recorder), Domains: []string{"[192.0.2.1]", "[IPv6:2001:db8:0::1]"}}
	const unknown, relay = "550 5.1.1", "550 5.7.1"
	for _, c := range []struct {
		l    *smtp.Local
		to   string
		want string
	}{
		{catchAll, "anybody@our.test", ""},
		{catchAll, "anybody@OUR.test", ""},
		{catchAll, "anybody@also.test", ""},
		{catchAll, "anybody@other.test", relay},
		{catchAll, "anybody@sub.our.test", relay},
		{catchAll, "anybody@our.test.other.test", relay},
		{catchAll, "anybody@[192.0.2.1]", relay},
		{catchAll, "postmaster@other.test", relay},
		{some, "ann@our.test", ""},
		{some, "ANN@also.test", ""},
		{some, "Bob@Our.Test", ""},
		{some, "bob@also.test", unknown},
		{some, "carl@our.test", unknown},
		{some, "john smith@our.test", "553 5.1.3"},
		{some, `"John Smith"@our.test`, ""},
		{some, "ann@other.test", relay},
		{some, "bob@other.test", relay},
		{any, "x@anything.test", ""},
		{anyOf, "ann@anything.test", ""},
		{anyOf, "bob@anything.test", unknown},
		{literal, "x@[192.0.2.1]", ""},
		{literal, "x@[IPv6:2001:DB8::1]", ""},
		{literal, "x@[ipv6:2001:db8::2]", relay},
		{literal, "x@192.0.2.1", relay},
		{&smtp.Local{}, "x@our.test", unknown},
		{&smtp.Local{}, "postmaster", unknown},
		{catchAll, "", "553 5.1.3"},
		{catchAll, "a b@our.test", "553 5.1.3"},
		{catchAll, "x@our.test\r\nRCPT", "553 5.1.3"},
	} {
		assert.Equal(t, c.want, rcpt(t, c.l, "", c.to), "%q", c.to)
	}
}

// RFC 5321, section 4.5.1: postmaster is always there, in any case, with and
// without a domain of ours.
func TestLocalPostmaster(t *testing.T) {
	l, _, _ := local()
	l.Mailboxes = []string{"ann"}
	for _, to := range []string{"postmaster", "Postmaster", "POSTMASTER", "postMaster@our.test", "postmaster@ALSO.test"} {
		assert.Empty(t, rcpt(t, l, "", to), to)
	}
}

// hacks are addresses of ours that hold another destination.
var hacks = []string{
	"victim%other.test@our.test", "other.test!victim@our.test", `"victim@other.test"@our.test`,
	`"victim%other.test"@our.test`, `"other.test!victim"@our.test`, "victim%other.test%our.test@also.test",
	`"@other.test:victim"@our.test`, `"victim@other.test"@OUR.test`, `"victim@[192.0.2.1]"@our.test`,
}

// No way of writing an address makes it a route, for nobody: even where all
// mailboxes exist, and for users who may send elsewhere.
func TestLocalIsNoOpenRelay(t *testing.T) {
	for _, mailboxes := range [][]string{nil, {"victim", "ann@our.test"}} {
		for _, user := range []string{"", "ann"} {
			l, _, _ := local()
			l.Mailboxes = mailboxes
			for _, to := range hacks {
				assert.Equal(t, "550 5.7.1", rcpt(t, l, user, to), to)
			}
		}
	}
}

// Without Domains everything is ours, and the same is refused.
func TestLocalAnyDomainIsNoOpenRelay(t *testing.T) {
	for _, to := range hacks {
		assert.Equal(t, "550 5.7.1", rcpt(t, &smtp.Local{Delivery: new(recorder)}, "", to), to)
	}
}

// A mailbox that is named like a route is a mailbox: it stays here.
func TestLocalTakesListedNamesLiterally(t *testing.T) {
	l, here, elsewhere := local()
	l.Mailboxes = []string{"victim%other.test@our.test", "other.test!victim", `"victim@other.test"@our.test`}
	s := session(t, l, &smtp.Peer{User: "ann"})
	require.NoError(t, s.Mail("ann@our.test", nil))
	for _, to := range hacks[:3] {
		require.NoError(t, s.Rcpt(to, nil))
	}
	require.Equal(t, "250 2.0.0", code(s.Data(strings.NewReader("x\r\n"))))
	require.Len(t, here.heard, 1)
	assert.Equal(t, hacks[:3], here.heard[0].to)
	assert.Empty(t, elsewhere.heard)
}

// Only users send elsewhere, and only if there is a way out.
func TestLocalOutgoing(t *testing.T) {
	l, here, elsewhere := local()
	assert.Equal(t, "550 5.7.1", rcpt(t, l, "", "x@other.test"))
	s := session(t, l, &smtp.Peer{User: "ann"})
	require.NoError(t, s.Mail("ann@our.test", nil))
	require.NoError(t, s.Rcpt("x@other.test", nil))
	require.Equal(t, "250 2.0.0", code(s.Data(strings.NewReader("x\r\n"))))
	assert.Empty(t, here.heard)
	require.Len(t, elsewhere.heard, 1)
	assert.Equal(t, []string{"x@other.test"}, elsewhere.heard[0].to)
	l.Outgoing = nil
	assert.Equal(t, "550 5.7.1", rcpt(t, l, "ann", "x@other.test"))
}

// mixed sends a message for somebody here and somebody elsewhere.
func mixed(t *testing.T, l *smtp.Local) error {
	s := session(t, l, &smtp.Peer{User: "ann"})
	require.NoError(t, s.Mail("ann@our.test", nil))
	require.NoError(t, s.Rcpt("bob@our.test", nil))
	require.NoError(t, s.Rcpt("x@other.test", nil))
	return s.Data(strings.NewReader("x\r\n"))
}

// Each delivery gets its own recipients, and the whole message.
func TestLocalMixedMessage(t *testing.T) {
	l, here, elsewhere := local()
	require.Equal(t, "250 2.0.0", code(mixed(t, l)))
	require.Len(t, here.heard, 1)
	require.Len(t, elsewhere.heard, 1)
	assert.Equal(t, []string{"bob@our.test"}, here.heard[0].to)
	assert.Equal(t, []string{"x@other.test"}, elsewhere.heard[0].to)
	assert.Equal(t, "x\r\n", here.heard[0].text)
	assert.Equal(t, "x\r\n", elsewhere.heard[0].text)
	assert.Equal(t, here.heard[0].e.ID, elsewhere.heard[0].e.ID)
}

// Half a success is none: what fails is the reply, and what Outgoing refuses nobody
// here gets.
func TestLocalNeverAcceptsHalf(t *testing.T) {
	l, here, elsewhere := local()
	elsewhere.answer = func(*smtp.Envelope) error {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 2}}
	}
	assert.Equal(t, "554 5.7.2", code(mixed(t, l)))
	assert.Empty(t, here.heard)

	l, here, elsewhere = local()
	broken := errors.New("broken")
	here.answer = func(*smtp.Envelope) error { return broken }
	assert.ErrorIs(t, mixed(t, l), broken)
	assert.Len(t, elsewhere.heard, 1)
}

// What Outgoing has taken, in whatever words, those here get as well.
func TestLocalGoesOnBehindAYes(t *testing.T) {
	for _, yes := range []int{200, 250, 251, 252, 299} {
		l, here, elsewhere := local()
		elsewhere.answer = func(*smtp.Envelope) error { return &smtp.SMTPError{Code: yes, Message: "Yes"} }
		assert.Equal(t, "250 2.0.0", code(mixed(t, l)), yes)
		assert.Len(t, here.heard, 1, yes)
		require.NoError(t, l.Deliver(to("bob@our.test", "x@other.test"), strings.NewReader("x")))
		assert.Len(t, here.heard, 2, yes)
	}
	for _, no := range []int{354, 451, 551} {
		l, here, elsewhere := local()
		elsewhere.answer = func(*smtp.Envelope) error { return &smtp.SMTPError{Code: no, Message: "No"} }
		assert.Error(t, mixed(t, l), no)
		assert.Empty(t, here.heard, no)
	}
}

// A nil that was made an error is one, and no reply.
func TestLocalNilReply(t *testing.T) {
	l, here, elsewhere := local()
	var none *smtp.SMTPError
	elsewhere.answer = func(*smtp.Envelope) error { return none }
	assert.True(t, mixed(t, l) != nil)
	assert.True(t, l.Deliver(to("bob@our.test", "x@other.test"), strings.NewReader("x")) != nil)
	assert.Empty(t, here.heard)
}

// The reply is the delivery's, if it has one, and names the message otherwise.
func TestLocalReply(t *testing.T) {
	l, here, _ := local()
	send := func() error {
		s := session(t, l, &smtp.Peer{})
		require.NoError(t, s.Mail("", nil))
		require.NoError(t, s.Rcpt("bob@our.test", nil))
		return s.Data(strings.NewReader("x"))
	}
	err := send()
	require.Equal(t, "250 2.0.0", code(err))
	assert.Contains(t, err.Error(), "Ok: queued as "+here.heard[0].e.ID)
	own := &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 1, 5}, Message: "Mine"}
	here.answer = func(*smtp.Envelope) error { return own }
	assert.Same(t, own, send())
	assert.NotEqual(t, here.heard[0].e.ID, here.heard[1].e.ID)
}

// What was said before is in the envelope, and Reset forgets it.
func TestLocalEnvelope(t *testing.T) {
	l, here, _ := local()
	p := &smtp.Peer{Hostname: "client"}
	s := session(t, l, p)
	require.NoError(t, s.Mail("old@other.test", nil))
	require.NoError(t, s.Rcpt("old@our.test", nil))
	s.Reset()
	require.NoError(t, s.Mail("a@other.test", &smtp.MailOptions{UTF8: true, EnvelopeID: "e"}))
	require.NoError(t, s.Rcpt("b@our.test", &smtp.RcptOptions{OriginalRecipient: "o"}))
	require.NoError(t, s.Rcpt("Postmaster", nil))
	require.Equal(t, "250 2.0.0", code(s.Data(strings.NewReader("x"))))
	e := here.heard[0].e
	assert.Equal(t, "client", e.Peer.Hostname)
	p.Hostname = "later"
	assert.Equal(t, "client", e.Peer.Hostname, "it may be kept")
	assert.Equal(t, "a@other.test", e.From)
	assert.Equal(t, smtp.MailOptions{UTF8: true, EnvelopeID: "e"}, e.Options)
	assert.Equal(t, []smtp.Recipient{
		{Address: "b@our.test", Options: smtp.RcptOptions{OriginalRecipient: "o"}}, {Address: "Postmaster"},
	}, e.To)
	assert.False(t, e.Time.IsZero())
	require.NoError(t, s.Logout())
}

// A submission server takes nothing from strangers.
func TestLocalRequireAuth(t *testing.T) {
	l, _, _ := local()
	l.RequireAuth = true
	assert.Equal(t, "530 5.7.0", code(session(t, l, &smtp.Peer{}).Mail("a@our.test", nil)))
	assert.NoError(t, session(t, l, &smtp.Peer{User: "ann"}).Mail("a@our.test", nil))
}
