package smtp_test

import (
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// A report is one of RFC 3464, taken apart.
type report struct {
	header     mail.Header
	text       string
	message    textproto.MIMEHeader
	recipients []textproto.MIMEHeader
	kind       string // of what is returned
	original   string
}

// requireReport requires a message to be one that whoever keeps to the RFCs can read.
func requireReport(t *testing.T, m smtp.Message) (r report) {
	t.Helper()
	assert.Empty(t, m.From)
	text := string(m.Text)
	assert.NotRegexp(t, `[^\r]\n|\r[^\n]`, text)
	for l := range strings.SplitSeq(text, "\r\n") {
		assert.LessOrEqual(t, len(l), 998)
	}
	parsed, err := mail.ReadMessage(strings.NewReader(text))
	require.NoError(t, err, text)
	r.header = parsed.Header
	_, err = r.header.Date()
	require.NoError(t, err)
	for name, n := range map[string]int{"From": 1, "To": 1, "Subject": 1, "Message-Id": 1, "Content-Type": 1, "Bcc": 0} {
		assert.Len(t, r.header[name], n, name)
	}
	assert.Equal(t, "auto-replied", r.header.Get("Auto-Submitted"))
	kind, params, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	require.NoError(t, err)
	assert.Equal(t, "multipart/report", kind)
	assert.Equal(t, "delivery-status", params["report-type"])

	parts := multipart.NewReader(parsed.Body, params["boundary"])
	next := func() (kind, text string) {
		part, err := parts.NextPart()
		require.NoError(t, err)
		body, err := io.ReadAll(part)
		require.NoError(t, err)
		kind, _, err = mime.ParseMediaType(part.Header.Get("Content-Type"))
		require.NoError(t, err)
		return kind, string(body)
	}
	kind, r.text = next()
	assert.Equal(t, "text/plain", kind)
	kind, text = next()
	assert.Equal(t, "message/delivery-status", kind)
	for i, block := range strings.Split(text, "\r\n\r\n") {
		parsed, err := mail.ReadMessage(strings.NewReader(strings.TrimSuffix(block, "\r\n") + "\r\n\r\n"))
		require.NoError(t, err, block)
		if i == 0 {
			r.message = textproto.MIMEHeader(parsed.Header)
		} else {
			r.recipients = append(r.recipients, textproto.MIMEHeader(parsed.Header))
		}
	}
	r.kind, r.original = next()
	_, err = parts.NextPart()
	assert.Equal(t, io.EOF, err)
	return r
}

// A report says who, why, where, and gives the header back.
func TestQueueReports(t *testing.T) {
	var bounces smtp.Inbox
	inPost(t, func(p *post) { p.queue.Bounces = &bounces }, func(t *testing.T, p *post) {
		var b moody
		p.serve("mx.b.test", "192.0.2.1", &b)
		p.route("b.test", "mx.b.test")
		b.say(noWay)
		e := &smtp.Envelope{ID: "4711", From: "ann@a.test", To: []smtp.Recipient{{Address: "bob@b.test"}, {
			Address: "bea@b.test",
			Options: smtp.RcptOptions{OriginalRecipientType: gosmtp.DSNAddressTypeRFC822, OriginalRecipient: "b e+a@list.test"},
		}}}
		e.Options.EnvelopeID = "my id"
		require.NoError(t, p.queue.Deliver(e, strings.NewReader(letter)))
		p.settle()
		p.requireEmpty()
		require.Len(t, bounces.Messages(), 1)
		m := bounces.Messages()[0]
		r := requireReport(t, m)
		assert.Equal(t, []string{"ann@a.test"}, recipients(m))
		assert.Equal(t, "<ann@a.test>", r.header.Get("To"))
		assert.Equal(t, "Mail Delivery System <MAILER-DAEMON@us.test>", r.header.Get("From"))
		assert.Contains(t, r.text, "(4711)")
		assert.Contains(t, r.text, "<bob@b.test>\r\n    could not be delivered.")
		assert.Contains(t, r.text, "mx.b.test said:\r\n        554 5.7.1 No way\r\n")
		assert.Equal(t, "dns; us.test", r.message.Get("Reporting-MTA"))
		assert.Equal(t, "my id", r.message.Get("Original-Envelope-Id"))
		require.Len(t, r.recipients, 2)
		for i, to := range []string{"rfc822;bob@b.test", "rfc822;bea@b.test"} {
			assert.Equal(t, to, r.recipients[i].Get("Final-Recipient"))
			assert.Equal(t, "failed", r.recipients[i].Get("Action"))
			assert.Equal(t, "5.7.1", r.recipients[i].Get("Status"))
			assert.Equal(t, "dns; mx.b.test", r.recipients[i].Get("Remote-MTA"))
			assert.Equal(t, "smtp; 554 5.7.1 No way", r.recipients[i].Get("Diagnostic-Code"))
		}
		assert.Empty(t, r.recipients[0].Get("Original-Recipient"))
		assert.Equal(t, "rfc822;b e+a@list.test", r.recipients[1].Get("Original-Recipient"))
		assert.Equal(t, "text/rfc822-headers", r.kind)
		assert.Equal(t, "Subject: hi\r\nMessage-ID: <1@a.test>\r\n", r.original)
	})
}

// What a server says stays where it is put.
func TestQueueReportsHoldHostileReplies(t *testing.T) {
	for _, said := range []string{
		"554-5.7.1 a\r\n554 5.7.1 b\r\n",
		"554 5.7.1 a\x00\x1b[2J\x7f\xff\u202e b\r\n",
		"554 5.7.1 \t\r\n",
		"554\r\n",
		"554-x\r\n554-\r\n554-\r\n554-Bcc: eve@e.test\r\n554-\r\n554 --boundary--\r\n",
		"554 5.7.1 " + strings.Repeat("long", 450) + "\r\n",
		"554 5.7.1 " + strings.Repeat("\u00fc", 900) + "\r\n",
		"554 9.9.9 x\r\n",
	} {
		var bounces smtp.Inbox
		inPost(t, func(p *post) { p.queue.Bounces = &bounces }, func(t *testing.T, p *post) {
			p.listen("b.test", "192.0.2.1", scripted("220 hi\r\n", "250 hi\r\n", said, "221 bye\r\n"))
			p.send("ann@a.test", "bob@b.test")
			p.settle()
			p.requireEmpty()
			require.Len(t, bounces.Messages(), 1)
			r := requireReport(t, bounces.Messages()[0])
			require.Len(t, r.recipients, 1)
			assert.Regexp(t, `^5\.\d\.\d$`, r.recipients[0].Get("Status"))
			assert.Regexp(t, `^smtp; 554`, r.recipients[0].Get("Diagnostic-Code"))
			assert.Regexp(t, `^[\r\n\t -~]*$`, string(bounces.Messages()[0].Text))
		})
	}
}

// RFC 3461: who wants to hear of what, and of what nobody is told.
func TestQueueNotifies(t *testing.T) {
	const never, failure, success, delay = gosmtp.DSNNotifyNever, gosmtp.DSNNotifyFailure, gosmtp.DSNNotifySuccess, gosmtp.DSNNotifyDelayed
	type notify = []gosmtp.DSNNotify
	for name, c := range map[string]struct {
		from   string
		notify notify
		says   error
		dsn    bool
		after  time.Duration
		want   string // action of the report
	}{
		"failure":             {"ann@a.test", nil, noWay, false, 0, "failed"},
		"failure if wanted":   {"ann@a.test", notify{success, failure}, noWay, false, 0, "failed"},
		"no failure":          {"ann@a.test", notify{success, delay}, noWay, false, 0, ""},
		"never":               {"ann@a.test", notify{never}, noWay, false, 0, ""},
		"never after all":     {"ann@a.test", notify{never}, later, false, 5 * 24 * time.Hour, ""},
		"nobody":              {"", notify{failure}, noWay, false, 0, ""},
		"success":             {"ann@a.test", notify{success}, nil, false, 0, "relayed"},
		"success of others":   {"ann@a.test", notify{success}, nil, true, 0, ""},
		"no success":          {"ann@a.test", notify{failure}, nil, false, 0, ""},
		"delay":               {"ann@a.test", notify{delay}, later, false, 24 * time.Hour, "delayed"},
		"no delay yet":        {"ann@a.test", notify{delay}, later, false, time.Hour, ""},
		"no delay":            {"ann@a.test", nil, later, false, 24 * time.Hour, ""},
		"delay, then failure": {"ann@a.test", notify{delay, failure}, later, false, 6 * 24 * time.Hour, "delayed failed"},
	} {
		t.Run(name, func(t *testing.T) {
			var bounces smtp.Inbox
			inPost(t, func(p *post) { p.queue.Bounces = &bounces }, func(t *testing.T, p *post) {
				var b moody
				b.say(c.says)
				p.listen("b.test", "192.0.2.1", smtp.Config{Domain: "b.test", EnableDSN: c.dsn}.New(&smtp.Local{Delivery: &b}))
				e := &smtp.Envelope{From: c.from, To: []smtp.Recipient{{Address: "bob@b.test", Options: smtp.RcptOptions{Notify: c.notify}}}}
				require.NoError(t, p.queue.Deliver(e, strings.NewReader(letter)))
				p.after(c.after)
				var got []string
				for _, m := range bounces.Messages() {
					r := requireReport(t, m)
					got = append(got, r.recipients[0].Get("Action"))
					assert.Equal(t, got[len(got)-1] == "delayed", r.recipients[0].Get("Will-Retry-Until") != "")
				}
				assert.Equal(t, c.want, strings.Join(got, " "))
				if c.dsn {
					require.Len(t, b.Messages(), 1)
					assert.Equal(t, c.notify, b.Messages()[0].To[0].Options.Notify)
				}
			})
		})
	}
}

// What a server does not offer is said as RFC 6531 and RFC 6152 want it, in ASCII.
func TestQueueReportsWhatIsNotOffered(t *testing.T) {
	for text, want := range map[string]string{
		"Subject: \u00fc\r\n\r\n":                            "5.6.7 message/global-headers Subject: \u00fc\r\n",
		"Subject: x\r\n\r\n\u00fc\r\n":                       "5.6.3 text/rfc822-headers Subject: x\r\n",
		"X: " + strings.Repeat("x", 1200) + "\r\n\r\n\u00fc": "5.6.3 text/rfc822-headers X: xxx",
	} {
		var bounces smtp.Inbox
		inPost(t, func(p *post) { p.queue.Bounces = &bounces }, func(t *testing.T, p *post) {
			p.listen("b.test", "192.0.2.1", scripted("220 hi\r\n", "250 hi\r\n", "221 bye\r\n"))
			e := &smtp.Envelope{From: "ann@a.test", To: []smtp.Recipient{{Address: "bob@b.test"}}}
			require.NoError(t, p.queue.Deliver(e, strings.NewReader(text)))
			p.settle()
			p.requireEmpty()
			require.Len(t, bounces.Messages(), 1)
			r := requireReport(t, bounces.Messages()[0])
			got := r.recipients[0].Get("Status") + " " + r.kind + " " + r.original
			assert.True(t, strings.HasPrefix(got, want), got)
			assert.True(t, strings.Contains(string(bounces.Messages()[0].Text), "quoted-printable") == !strings.HasSuffix(want, "Subject: x\r\n"))
		})
	}
}

// An address with other letters than ASCII is told in ASCII (RFC 6533, section 3).
func TestQueueReportsUTF8Addresses(t *testing.T) {
	var bounces smtp.Inbox
	inPost(t, func(p *post) { p.queue.Bounces = &bounces }, func(t *testing.T, p *post) {
		p.serve("b.test", "192.0.2.1", smtp.Func(func(*smtp.Envelope, io.ReadSeeker) error { return noWay }))
		p.send("\u00e4nn@a.test", "b\u00f6b+x@b.test")
		p.settle()
		require.Len(t, bounces.Messages(), 1)
		assert.True(t, bounces.Messages()[0].Options.UTF8)
		r := requireReport(t, bounces.Messages()[0])
		assert.Equal(t, `utf-8;b\x{F6}b\x{2B}x@b.test`, r.recipients[0].Get("Final-Recipient"))
	})
}

// RET=FULL has all of a message returned that is not too long, and its header otherwise.
func TestQueueReturnsMessages(t *testing.T) {
	for _, c := range []struct {
		text, kind string
		n          int
	}{
		{letter, "message/rfc822", len(letter)},
		{"Subject: x\r\n\r\n\u00fc\r\n", "message/global", 18},
		{"Subject: x\r\n\r\n" + strings.Repeat("x", 1200) + "\r\n", "message/global", 1216},
		{"Subject: \u00fc\r\n\r\n\u00fc\r\n", "message/global", 19},
		{letter + strings.Repeat("0123456789abcde\r\n", 100_000), "text/rfc822-headers", 37},
		{"no header", "message/rfc822", 9},
		{"A: " + strings.Repeat("x\r\n ", 100_000) + "\r\n\r\nbody", "message/rfc822", 400_011},
	} {
		var bounces smtp.Inbox
		inPost(t, func(p *post) { p.queue.Bounces = &bounces }, func(t *testing.T, p *post) {
			p.serve("b.test", "192.0.2.1", smtp.Func(func(*smtp.Envelope, io.ReadSeeker) error { return noWay }))
			e := &smtp.Envelope{From: "ann@a.test", To: []smtp.Recipient{{Address: "bob@b.test"}}}
			e.Options.Return = gosmtp.DSNReturnFull
			require.NoError(t, p.queue.Deliver(e, strings.NewReader(c.text)))
			p.settle()
			require.Len(t, bounces.Messages(), 1, p.log)
			r := requireReport(t, bounces.Messages()[0])
			assert.Equal(t, c.kind, r.kind)
			assert.Len(t, r.original, c.n)
			assert.True(t, strings.HasPrefix(c.text, r.original))
			assert.Regexp(t, `^[\r\n\t -~]*$`, string(bounces.Messages()[0].Text))
		})
	}
}

// A message of 8 bits is returned also by a server that knows of 7.
func TestQueueReturnsMessagesOverSevenBits(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		p.serve("b.test", "192.0.2.1", smtp.Func(func(*smtp.Envelope, io.ReadSeeker) error { return noWay }))
		p.listen("a.test", "192.0.2.2", scripted(whole...))
		e := &smtp.Envelope{From: "ann@a.test", To: []smtp.Recipient{{Address: "bob@b.test"}}}
		e.Options.Return = gosmtp.DSNReturnFull
		require.NoError(t, p.queue.Deliver(e, strings.NewReader("Subject: x\r\n\r\n\u00fc\r\n")))
		p.settle()
		assert.EqualValues(t, 1, p.queue.Stats().Sent, p.log)
		p.requireEmpty()
	})
}

// A report that cannot be taken is tried again, over a restart, and nothing is sent twice
// meanwhile; what is refused for good is lost, loudly.
func TestQueueReportsAgain(t *testing.T) {
	var bounces, b moody
	set := func(p *post) { p.queue.Bounces = &bounces }
	inPost(t, set, func(t *testing.T, p *post) {
		p.serve("b.test", "192.0.2.1", &b)
		b.say(noWay)
		bounces.say(later)
		p.send("ann@a.test", "bob@b.test")
		p.settle()
		require.Len(t, p.queue.List(), 1)
		assert.True(t, p.queue.List()[0].To[0].Failed)
		require.NoError(t, p.queue.Close())
		p.queue = p.another(p.queue.Dir)
		set(p)
		require.NoError(t, p.queue.Start(p.network))
		p.after(6 * 24 * time.Hour)
		assert.Greater(t, bounces.asked.Load(), int64(2))
		bounces.say(nil)
		p.after(3 * 24 * time.Hour)
		require.Len(t, bounces.Messages(), 1)
		requireReport(t, bounces.Messages()[0])
		assert.EqualValues(t, 1, b.asked.Load())
		p.requireEmpty()
		for _, err := range []error{noWay, later} {
			bounces.say(err)
			p.send("ann@a.test", "bob@b.test")
			p.after(11 * 24 * time.Hour)
			p.requireEmpty()
		}
		assert.Contains(t, p.log.String(), "level=ERROR msg=\"smtp: cannot report\"")
	})
}

// A nil that was made an error is one that may go away.
func TestQueueReportsNilReply(t *testing.T) {
	var none *smtp.SMTPError
	inPost(t, func(p *post) {
		p.queue.Bounces = smtp.Func(func(*smtp.Envelope, io.ReadSeeker) error { return none })
	}, func(t *testing.T, p *post) {
		p.send("ann@a.test", "bob@b.test")
		p.settle()
		require.Len(t, p.queue.List(), 1)
		assert.True(t, p.queue.List()[0].To[0].Failed)
	})
}

// A report that fails itself is nobody's.
func TestQueueReportsOnce(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		p.send("ann@nowhere.test", "bob@b.test")
		p.settle()
		p.requireEmpty()
		assert.Equal(t, 1, strings.Count(p.log.String(), "smtp: report"))
		assert.Equal(t, 1, strings.Count(p.log.String(), "level=WARN msg=\"smtp: dropped: nobody to tell\""))
		assert.EqualValues(t, 2, p.queue.Stats().Failed)
	})
}

// Reports find senders of ours, and may fill the queue no more than twice.
func TestQueueReportsToLocal(t *testing.T) {
	var here smtp.Inbox
	local := &smtp.Local{Domains: []string{"us.test"}, Delivery: &here}
	set := func(p *post) {
		p.queue.MaxMessages, p.queue.Bounces, local.Outgoing = 2, local, p.queue
		p.broken("a.test", errFine)
	}
	inPost(t, set, func(t *testing.T, p *post) {
		p.send("ann@us.test", "bob@b.test")
		p.settle()
		require.Len(t, here.Messages(), 1)
		requireReport(t, here.Messages()[0])
		p.requireEmpty()
	})
	inPost(t, set, func(t *testing.T, p *post) {
		for range 4 {
			p.send("", "ann@a.test")
		}
		assert.Equal(t, "452 4.3.1", code(p.deliver("", "ann@a.test")))
	})
}

// A message that somebody has taken away is reported, too, if it comes to that.
func TestQueueReportsWithoutMessage(t *testing.T) {
	var bounces smtp.Inbox
	inPost(t, func(p *post) { p.queue.Bounces = &bounces; p.broken("b.test", errFine) }, func(t *testing.T, p *post) {
		p.send("ann@a.test", "bob@b.test")
		p.settle()
		require.NoError(t, os.Remove(filepath.Join(p.queue.Dir, "mail", p.queue.List()[0].ID+".eml")))
		p.after(6 * 24 * time.Hour)
		require.Len(t, bounces.Messages(), 1)
		assert.Contains(t, string(bounces.Messages()[0].Text), "Action: failed")
		p.requireEmpty()
	})
}
