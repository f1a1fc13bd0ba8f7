package interop

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An order is what a mail client is to do. Those in Python get it as JSON.
type order struct {
	Host, Port, TLSPort string
	Socket              string // of LMTP
	CA, Other           string // files of the certificate that is to be trusted, and of another
	From                string
	To                  []string
	File                string // of the message, which ends with CRLF as all its lines
	TLS                 string // "", "starttls" or "implicit"
	User, Password      string // empty if nobody logs in
	Mechanism           string // PLAIN or LOGIN
	LMTP, Pipeline      bool
	UTF8                bool // SMTPUTF8 is to be asked for
}

// A mailer has a client of somebody else do what is ordered, and returns whether that
// says that it did, and all that it says.
type mailer struct {
	name   string
	need   func(t *testing.T)
	send   func(t *testing.T, o order) (sent bool, said string)
	cannot string // names of errands that this client has no way to do
	utf8   bool   // it asks for SMTPUTF8 whenever it is offered
	old    bool   // it says HELO where it needs no more
}

var mailers = []mailer{
	{name: "swaks", need: needSwaks, send: swaks, cannot: "SMTPUTF8"},
	{name: "curl", need: needs("curl", "--version"), send: curlMail, cannot: "pipelining, LMTP"},
	{name: "msmtp", need: needs("msmtp", "--version"), send: msmtp, cannot: "some refused, SMTPUTF8"},
	{name: "smtplib", need: needs(python, "-c", "import smtplib"), send: pythonMail("smtplib_client.py"), cannot: "pipelining"},
	{name: "Twisted", need: needTwisted, send: pythonMail("mail_client.py"), cannot: "pipelining, LMTP, SMTPUTF8", old: true},
	{name: "Postfix", need: needPostfix, send: postfixMail},
	{name: "net-smtp", need: func(*testing.T) {}, send: netMail, cannot: "LOGIN, pipelining, LMTP", utf8: true},
	{name: "go-smtp", need: func(*testing.T) {}, send: goMail, cannot: "pipelining"},
}

func needs(name string, args ...string) func(t *testing.T) {
	return func(t *testing.T) { need(t, name, args...) }
}

// An errand is an order, and how one sees that it was done.
type errand struct {
	name     string
	order    func(o *order)
	server   []string // flags of the server's
	text     string   // of the message, behind its header
	with     string   // how it came, as the server has written down
	refused  string   // what the client is told if not all goes well
	nothing  bool     // is delivered
	evidence func(said string) bool
}

var errands = []errand{
	{name: "plain", with: "ESMTP"},
	{name: "STARTTLS", with: "ESMTPS", order: func(o *order) { o.TLS = "starttls" }},
	{name: "TLS", with: "ESMTPS", order: func(o *order) { o.TLS = "implicit" }},
	{name: "not trusted", nothing: true, order: func(o *order) { o.TLS, o.CA = "starttls", o.Other }, evidence: distrusts},
	{name: "PLAIN", with: "ESMTPSA", order: login("PLAIN", "sesame")},
	{name: "LOGIN", with: "ESMTPSA", order: login("LOGIN", "sesame"), server: []string{"-login"}},
	{name: "wrong password", refused: "5.7.8", nothing: true, order: login("PLAIN", "wrong")},
	{name: "several", with: "ESMTP", order: to("eve@our.test", "bob@our.test", "carol@our.test")},
	{name: "refused", refused: "5.1.1", nothing: true, order: to("nobody@our.test")},
	{name: "some refused", with: "ESMTP", refused: "5.1.1", order: to("eve@our.test", "nobody@our.test", "carol@our.test")},
	{name: "too large", refused: "5.3.4", nothing: true, server: []string{"-max-size", "100000"}, text: strings.Repeat("0123456789\r\n", 10_000)},
	{name: "pipelining", with: "ESMTP", order: func(o *order) { o.Pipeline = true }, evidence: pipelined},
	{name: "LMTP", with: "LMTP", order: func(o *order) { o.LMTP = true }},
	{name: "8 bits", with: "ESMTP", text: "Grüße aus Łódź, 日本語\r\n"},
	{name: "SMTPUTF8", with: "ESMTP", order: func(o *order) { o.UTF8, o.From, o.To = true, "jürgen@elsewhere.test", []string{"zoë@our.test"} }},
	{name: "dots", with: "ESMTP", text: ".\r\n..\r\n...\r\n.a\r\n a.\r\n\r\n.\r\n\r\n"},
	{name: "10,000 lines", with: "ESMTP", text: numbered(10_000)},
	{name: "10 MB", with: "ESMTP", text: strings.Repeat(strings.Repeat("0123456789", 7)+"\r\n", 10_000_000/72)},
}

func to(who ...string) func(o *order) { return func(o *order) { o.To = who } }

func login(mechanism, password string) func(o *order) {
	return func(o *order) { o.TLS, o.User, o.Mechanism, o.Password = "starttls", "eve", mechanism, password }
}

// numbered returns n lines of which none is another.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ".%d\r\n", i)
	}
	return b.String()
}

// letter is a whole message, of which nobody finds that something has to be added.
func letter(text string) string {
	return "From: me@elsewhere.test\r\nTo: eve@our.test\r\nSubject: hello\r\nDate: Thu, 1 Jan 2026 12:00:00 +0000\r\n" +
		"Message-Id: <1@elsewhere.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" +
		"Content-Transfer-Encoding: 8bit\r\n\r\n" + text
}

// Whatever others send arrives once and byte for byte, and if it is refused they know
// why. README.md has the table.
func TestMail(t *testing.T) {
	for _, m := range mailers {
		t.Run(m.name, func(t *testing.T) {
			m.need(t)
			for _, e := range errands {
				if !m.refuses(e) {
					t.Run(e.name, func(t *testing.T) { e.run(t, m) })
				}
			}
		})
	}
}

// refuses reports whether the client cannot do it.
func (m mailer) refuses(e errand) bool {
	for name := range strings.SplitSeq(m.cannot, ", ") {
		if name == e.name {
			return true
		}
	}
	return false
}

func (e errand) run(t *testing.T, m mailer) {
	p := openPost(t, e.server...)
	text := letter(e.text + "and that is all\r\n")
	o := p.order(text)
	if e.order != nil {
		e.order(&o)
	}
	sent, said := m.send(t, o)
	if e.refused != "" {
		assert.Contains(t, said, e.refused)
	}
	if e.evidence != nil {
		assert.True(t, e.evidence(said), "%s", said)
	}
	if e.nothing {
		assert.False(t, sent, "%s", said)
		assert.Empty(t, p.mail())
		return
	}
	assert.True(t, sent, "%s", said)
	e.check(t, p, o, m.with(e, o), text)
}

// with is how the message comes, as e has it but for what is the client's way.
func (m mailer) with(e errand, o order) string {
	switch {
	case o.UTF8 || m.utf8:
		return strings.Replace(e.with, "ESMTP", "UTF8SMTP", 1)
	case m.old && e.with == "ESMTP":
		return "SMTP"
	}
	return e.with
}

// check sees what has been delivered.
func (e errand) check(t *testing.T, p *post, o order, with, text string) {
	t.Helper()
	mail := p.mail()
	require.NotEmpty(t, mail)
	var got []string // recipients
	for _, m := range mail {
		head, _, _ := strings.Cut(m, "\r\n\r\n")
		assert.True(t, strings.HasPrefix(head, "Return-Path: <"+o.From+">\r\n"), "%s", head)
		assert.Contains(t, strings.Join(strings.Fields(head), " "), " with "+with+" ")
		assert.True(t, strings.HasSuffix(m, "\r\n"+text), "%s\n(%d bytes, of which %d were sent)", head, len(m), len(text))
		for l := range strings.SplitSeq(head, "\r\n") {
			if who, ok := strings.CutPrefix(l, "Delivered-To: "); ok {
				got = append(got, who)
			}
		}
	}
	var want []string
	for _, who := range o.To {
		if who != "nobody@our.test" {
			want = append(want, who)
		}
	}
	assert.ElementsMatch(t, want, got)
}

// distrusts reports whether the client says why it leaves. Twisted's does not go into
// details.
func distrusts(said string) bool {
	return strings.Contains(strings.ToLower(said), "certificate") || strings.Contains(said, "SMTPConnectError")
}

// pipelined reports whether the client says that it has sent DATA before it had the
// reply to what is in front of that.
func pipelined(said string) bool {
	_, behind, found := strings.Cut(said, "RCPT TO:<eve@our.test>")
	reply := strings.Index(behind, "250")
	data := strings.Index(behind, "DATA")
	return found && 0 <= data && data < reply
}

// README.md has a table of who does what.
func TestMailTable(t *testing.T) {
	var columns, rows []string
	for _, m := range mailers {
		columns = append(columns, m.name)
	}
	for _, e := range errands {
		rows = append(rows, e.name)
	}
	checkTable(t, columns, rows, func(column, row int) bool { return !mailers[column].refuses(errands[row]) })
}
