package smtp_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// ehlo is a hello with these extensions.
func ehlo(extensions ...string) string {
	lines := append([]string{"mail.test"}, extensions...)
	scene := "S: 220 mail.test\nC: EHLO client.test\n"
	for i, l := range lines {
		scene += "S: 250" + string(" -"[min(1, len(lines)-1-i)]) + l + "\n"
	}
	return scene
}

// What is refused does not keep the message from the others, and each is told why.
func TestClientSomeRefused(t *testing.T) {
	inBubble(t, func(p *play) {
		p.serve(hello + `C: MAIL FROM:<ann@a.test>
			S: 250 ok
			C: RCPT TO:<a@b.test>
			S: 550 5.1.1 nobody
			C: RCPT TO:<b@b.test>
			S: 250 ok
			C: RCPT TO:<c@b.test>
			S: 452 4.5.3 too many
			C: DATA
			S: 354 go on
			C: hi
			C: .
			S: 250 ok` + goodbye)
		r, err := p.send(message("hi", "a@b.test", "b@b.test", "b@b.test", "not\r\nDATA", "c@b.test", `"b"@b.test`, "a@b.test"))
		require.NoError(t, err)
		nobody := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "nobody"}
		assert.Equal(t, []smtp.Receipt{
			{Address: "a@b.test", Err: nobody},
			{Address: "b@b.test", Text: "ok"},
			{Address: "b@b.test", Text: "ok"},
			{Address: "not\r\nDATA", Err: &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 1, 3}, Message: `not an address: "not\r\nDATA"`}},
			{Address: "c@b.test", Err: &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 5, 3}, Message: "too many"}},
			{Address: `"b"@b.test`, Text: "ok"},
			{Address: "a@b.test", Err: nobody},
		}, r.To)
		assert.ErrorIs(t, r.Err(), r.To[0].Err)
		assert.Equal(t, 4, len(strings.Split(r.Err().Error(), "\n")), r.Err())
		assert.NoError(t, smtp.Result{To: r.To[1:3]}.Err())
	})
}

// If all are refused the message is, and the server is told to forget it before the
// next one.
func TestClientAllRefused(t *testing.T) {
	inBubble(t, func(p *play) {
		p.serve(hello + `C: MAIL FROM:<ann@a.test>
			S: 250 ok
			C: RCPT TO:<a@b.test>
			S: 450 4.2.0 later
			C: RCPT TO:<b@b.test>
			S: 550 5.1.1 nobody
			C: RSET
			S: 250 ok
			` + transaction + goodbye)
		c := p.config.New()
		defer c.Close()
		_, err := c.SendContext(context.Background(), message("hi", "a@b.test", "b@b.test"))
		e := requireSendError(t, err, "RCPT", false)
		assert.True(t, e.Temporary(), "as the first")
		_, err = c.SendContext(context.Background(), message("hi", "bob@b.test"))
		assert.NoError(t, err)
		assert.NoError(t, c.QuitContext(context.Background()))
	})
}

// A server that does not forget a message that was refused is met again over another
// connection.
func TestClientResetFails(t *testing.T) {
	refused := hello + "C: MAIL FROM:<ann@a.test>\nS: 250 ok\nC: RCPT TO:<bob@b.test>\nS: 550 no\nC: RSET\n"
	for _, end := range []string{"CLOSE", "HANG", "S: 421 bye", "S: 502 what?", "S: what?"} {
		inBubble(t, func(p *play) {
			p.serve(refused+end, hello+transaction+goodbye)
			c := p.config.New()
			defer c.Close()
			_, err := c.SendContext(context.Background(), message("hi", "bob@b.test"))
			requireSendError(t, err, "RCPT", false)
			_, err = c.SendContext(context.Background(), message("hi", "bob@b.test"))
			assert.NoError(t, err, end)
			require.NoError(t, c.QuitContext(context.Background()))
		})
	}
}

// What is no address, or would be more than one line, is not told to the server, nor
// is one asked for it.
func TestClientArguments(t *testing.T) {
	inBubble(t, func(p *play) {
		for _, bad := range []string{"a b@c", "a@b>", "<a@b>", "a@b\r\nDATA", "a@b\n", "a\x00@b", "a@b ", "a@b> SIZE=1", "\"a\rb\"@c", "a@b\x7f", "\xff@b", "a@b\u2028"} {
			m := message("hi", "bob@b.test")
			m.From = bad
			r, err := p.send(m)
			requireSendError(t, err, "MAIL", false)
			assert.Equal(t, []smtp.Receipt{{Address: "bob@b.test", Err: err}}, r.To)
			_, err = p.send(message("hi", bad))
			e := requireSendError(t, err, "RCPT", false)
			assert.False(t, e.Temporary())
		}
		_, err := p.send(message("hi", ""))
		requireSendError(t, err, "RCPT", false)
		_, err = p.send(message("hi"))
		requireSendError(t, err, "RCPT", false)
		for _, bad := range []string{"a b", "a\r\nb", "\u00fc", "a\x00"} {
			config := p.config
			config.LocalName = bad
			_, err := smtp.SendMail(context.Background(), config, message("hi", "bob@b.test"))
			requireSendError(t, err, "EHLO", false)
		}
		config := p.config
		config.User, config.Password, config.AllowInsecureAuth = "eve", "a\x00b", true
		_, err = smtp.SendMail(context.Background(), config, message("hi", "bob@b.test"))
		requireSendError(t, err, "AUTH", false)
	})
	for _, m := range []smtp.Mail{
		{Options: smtp.MailOptions{Return: "FULL\r\nRSET"}},
		{Options: smtp.MailOptions{EnvelopeID: "a\r\nRSET"}},
		{Options: smtp.MailOptions{RequireTLS: true}},
	} {
		inBubble(t, func(p *play) {
			p.serve(ehlo("DSN") + goodbye)
			m.From, m.To, m.Body = "ann@a.test", []string{"bob@b.test"}, strings.NewReader("hi")
			_, err := p.send(m)
			e := requireSendError(t, err, "MAIL", false)
			assert.False(t, e.Temporary())
		})
	}
	inBubble(t, func(p *play) {
		p.serve(ehlo("DELIVERBY") + "C: MAIL FROM:<ann@a.test>\nS: 250 ok")
		m := message("hi", "bob@b.test")
		m.RcptOptions = []smtp.RcptOptions{{DeliverBy: &gosmtp.DeliverByOptions{Mode: "N\r\nDATA"}}}
		_, err := p.send(m)
		requireSendError(t, err, "RCPT", false)
	})
}

// A server hears what it has to know of a message if it wants to: its size, and
// whether there is more than ASCII in it, where that is so.
func TestClientOptions(t *testing.T) {
	all := []string{"SIZE", "8BITMIME", "SMTPUTF8", "DSN"}
	for name, c := range map[string]struct {
		m          smtp.Mail
		offer      []string
		mail, rcpt string
	}{
		"plain":               {message("a: b\n\nc", "bob@b.test"), all, "<ann@a.test> SIZE=11", "<bob@b.test>"},
		"plain, none":         {message("a: b\n\nc", "bob@b.test"), nil, "<ann@a.test>", "<bob@b.test>"},
		"8 bit":               {message("a: b\n\n\u00fc", "bob@b.test"), all, "<ann@a.test> BODY=8BITMIME SIZE=12", "<bob@b.test>"},
		"UTF-8 header":        {message("a: \u00fc\n\nc", "bob@b.test"), all, "<ann@a.test> BODY=8BITMIME SIZE=12 SMTPUTF8", "<bob@b.test>"},
		"UTF-8 recipient":     {message("a: b\n\nc", "b\u00f6b@b.test"), all, "<ann@a.test> SIZE=11 SMTPUTF8", "<b\u00f6b@b.test>"},
		"UTF-8 sender":        {smtp.Mail{From: "\u00e4nn@a.test", To: []string{"bob@b.test"}, Body: strings.NewReader("")}, all, "<\u00e4nn@a.test> SIZE=2 SMTPUTF8", "<bob@b.test>"},
		"nobody":              {smtp.Mail{To: []string{"postmaster"}, Body: strings.NewReader("hi")}, all, "<> SIZE=4", "<postmaster>"},
		"a name like a word":  {smtp.Mail{From: `" BODY=8BITMIME"@a.test`, To: []string{"bob@b.test"}, Body: strings.NewReader("hi")}, all, `<" BODY=8BITMIME"@a.test> SIZE=4`, "<bob@b.test>"},
		"such a name without": {smtp.Mail{From: `" BODY=8BITMIME"@a.test`, To: []string{"bob@b.test"}, Body: strings.NewReader("hi")}, nil, `<" BODY=8BITMIME"@a.test>`, "<bob@b.test>"},
		"delivery status":     {smtp.Mail{To: []string{"bob@b.test"}, Body: strings.NewReader("hi"), Options: smtp.MailOptions{Return: "HDRS", EnvelopeID: "a b"}, RcptOptions: []smtp.RcptOptions{{Notify: []gosmtp.DSNNotify{"NEVER"}}}}, all, "<> SIZE=4 RET=HDRS ENVID=a+20b", "<bob@b.test> NOTIFY=NEVER"},
		"who sends":           {authorized("a+b@a.test"), []string{"AUTH PLAIN"}, "<ann@a.test> AUTH=a+2Bb@a.test", "<bob@b.test>"},
		"nobody knows who":    {authorized(""), []string{"AUTH PLAIN"}, "<ann@a.test> AUTH=<>", "<bob@b.test>"},
		"UTF-8 original":      {original("b\u00fccher+x@b.test", false), all, "<ann@a.test> SIZE=4", `<bob@b.test> ORCPT=UTF-8;b\x{FC}cher\x{2B}x@b.test`},
		"that in UTF-8":       {original("b\u00fccher+x@b.test", true), all, "<ann@a.test> SIZE=4 SMTPUTF8", "<bob@b.test> ORCPT=UTF-8;b\u00fccher\\x{2B}x@b.test"},
		"that without":        {original("b\u00fccher@b.test", false), []string{"DSN"}, "<ann@a.test>", `<bob@b.test> ORCPT=UTF-8;b\x{FC}cher@b.test`},
		"the user's UTF-8":    {smtp.Mail{To: []string{"bob@b.test"}, Body: strings.NewReader("hi"), Options: smtp.MailOptions{UTF8: true, Size: 7}}, all, "<> SIZE=4 SMTPUTF8", "<bob@b.test>"},
		"of exactly the size": {message("hi", "bob@b.test"), []string{"SIZE 4"}, "<ann@a.test> SIZE=4", "<bob@b.test>"},
		"no limit":            {message("hi", "bob@b.test"), []string{"SIZE 0"}, "<ann@a.test> SIZE=4", "<bob@b.test>"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(p *play) {
				p.serve(ehlo(c.offer...) + "C: MAIL FROM:" + c.mail + "\nS: 250 ok\nC: RCPT TO:" + c.rcpt + "\nS: 421 that is all")
				_, err := p.send(c.m)
				requireSendError(p.T, err, "RCPT", false)
			})
		})
	}
}

// authorized is a Mail that names who has sent it.
func authorized(who string) smtp.Mail {
	m := message("hi", "bob@b.test")
	m.Options.Auth = &who
	return m
}

// original is a Mail with an original recipient.
func original(who string, utf8 bool) smtp.Mail {
	m := message("hi", "bob@b.test")
	m.Options.UTF8 = utf8
	m.RcptOptions = []smtp.RcptOptions{{OriginalRecipientType: gosmtp.DSNAddressTypeUTF8, OriginalRecipient: who}}
	return m
}

// What a server cannot take it is not sent.
func TestClientIncapableServer(t *testing.T) {
	for name, c := range map[string]struct {
		m     smtp.Mail
		offer []string
		verb  string
		code  smtp.EnhancedCode
	}{
		"8 bit":           {message("a: b\n\n\u00fc", "bob@b.test"), []string{"SIZE"}, "MAIL", smtp.EnhancedCode{5, 6, 3}},
		"UTF-8 header":    {message("a: \u00fc\n\nc", "bob@b.test"), []string{"8BITMIME"}, "MAIL", smtp.EnhancedCode{5, 6, 7}},
		"UTF-8 sender":    {smtp.Mail{From: "\u00e4nn@a.test", To: []string{"bob@b.test"}, Body: strings.NewReader("")}, []string{"8BITMIME"}, "MAIL", smtp.EnhancedCode{5, 6, 7}},
		"larger than all": {message("hi!", "bob@b.test"), []string{"SIZE 4"}, "MAIL", smtp.EnhancedCode{5, 3, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(p *play) {
				p.serve(ehlo(c.offer...) + goodbye)
				_, err := p.send(c.m)
				e := requireSendError(p.T, err, c.verb, false)
				assert.False(p, e.Temporary())
				var refused *smtp.SMTPError
				require.ErrorAs(p, err, &refused)
				assert.Equal(p, c.code, refused.EnhancedCode)
			})
		})
	}
	inBubble(t, func(p *play) {
		p.serve(hello + transaction + goodbye)
		r, err := p.send(message("hi", "b\u00f6b@b.test", "bob@b.test"))
		require.NoError(t, err)
		assert.ErrorContains(t, r.To[0].Err, "SMTPUTF8")
		assert.NoError(t, r.To[1].Err)
	})
}

// What a message says is not taken for what we say, wherever one write ends and the next
// begins.
func TestClientMessageIsNoCommand(t *testing.T) {
	const write = 4096 // what go-smtp writes at once
	for _, line := range []string{"MAIL FROM:<a@b.test> BODY=8BITMIME SIZE=1", "EHLO a", "HELO a"} {
		for name, before := range map[string]string{"first": "", "second": strings.Repeat("x", write-2)} {
			t.Run(line[:4]+" "+name, func(t *testing.T) {
				inBubble(t, func(p *play) {
					text, heard := line+"\r\n", "C: "+line+"\n"
					if before != "" {
						text, heard = before+"\r\n"+text, "C: "+before+"\n"+heard
					}
					p.serve(ehlo("8BITMIME") + `C: MAIL FROM:<ann@a.test>
						S: 250 ok
						C: RCPT TO:<bob@b.test>
						S: 250 ok
						C: DATA
						S: 354 go on
						` + heard + `C: .
						S: 250-ok
						S: 250 queued as a` + goodbye)
					r, err := p.send(message(text, "bob@b.test"))
					require.NoError(p, err)
					assert.Equal(p, "ok\nqueued as a", r.Text)
				})
			})
		}
	}
}

// Over LMTP each recipient has a reply of its own, and its time.
func TestClientLMTP(t *testing.T) {
	begin := "S: 220 mail.test\nC: LHLO client.test\nS: 250 mail.test\nC: MAIL FROM:<ann@a.test>\nS: 250 ok\n" +
		"C: RCPT TO:<a@b.test>\nS: 250 ok\nC: RCPT TO:<b@b.test>\nS: 250 ok\nC: RCPT TO:<c@b.test>\nS: 550 5.1.1 nobody\n" +
		"C: DATA\nS: 354 go on\nC: hi\nC: .\n"
	lost := io.EOF
	for name, c := range map[string]struct {
		end  string
		text []string // of a and b
		err  []error
		all  error
	}{
		"all":            {"S: 250 for a\nS: 250 for b" + goodbye, []string{"for a", "for b"}, []error{nil, nil}, nil},
		"one":            {"S: 450 4.2.2 full\nS: 250 for b" + goodbye, []string{"", "for b"}, []error{&smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "full"}, nil}, nil},
		"none":           {"S: 450 a\nS: 550 b" + goodbye, []string{"", ""}, []error{&smtp.SMTPError{Code: 450, Message: "a"}, &smtp.SMTPError{Code: 550, Message: "b"}}, smtp.ErrNotAccepted},
		"lost":           {"CLOSE", []string{"", ""}, []error{lost, lost}, smtp.ErrUnknown},
		"one, then lost": {"S: 250 for a\nCLOSE", []string{"for a", ""}, []error{nil, lost}, smtp.ErrUnknown},
		"no, then lost":  {"S: 550 a\nCLOSE", []string{"", ""}, []error{&smtp.SMTPError{Code: 550, Message: "a"}, lost}, smtp.ErrUnknown},
		"no sense":       {"S: 354 a\nS: 250 for b", []string{"", "for b"}, []error{smtp.ErrProtocol, nil}, smtp.ErrUnknown},
		"a third":        {"s: 250 for a\\r\\n250 for b\\r\\n250 for c\\r\\n", []string{"for a", "for b"}, []error{nil, nil}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(p *play) {
				p.config.LMTP = true
				p.serve(begin + c.end)
				r, err := p.send(message("hi", "a@b.test", "b@b.test", "c@b.test", "a@b.test"))
				if c.all == nil {
					require.NoError(p, err)
				} else {
					require.ErrorIs(p, err, c.all)
				}
				require.Len(p, r.To, 4)
				assert.Equal(p, r.To[0], r.To[3])
				for i, want := range c.err {
					got := r.To[i]
					assert.Equal(p, c.text[i], got.Text)
					if _, ok := want.(*smtp.SMTPError); ok || want == nil {
						assert.Equal(p, want, got.Err)
					} else {
						assert.ErrorIs(p, got.Err, want)
						assert.ErrorIs(p, got.Err, smtp.ErrUnknown)
					}
				}
				assert.ErrorContains(p, r.To[2].Err, "nobody")
			})
		})
	}
	inBubble(t, func(p *play) {
		p.config.LMTP = true
		p.serve(begin + "S: 250 for a\nHANG")
		begun := time.Now()
		_, err := p.send(message("hi", "a@b.test", "b@b.test", "c@b.test"))
		assert.ErrorIs(t, err, smtp.ErrUnknown)
		assert.Equal(t, 10*time.Minute, time.Since(begun))
	})
}

// A large message arrives as it is.
func TestClientLargeMessage(t *testing.T) {
	line := strings.Repeat("x", 99) + "\r\n.\r\n"
	body := strings.Repeat(line, 20000)
	inBubble(t, func(p *play) {
		p.serve(upTo(4) + "S: 354 go on\n" + strings.Repeat("C: "+line[:99]+"\nC: ..\n", 20000) + "C: .\nS: 250 ok" + goodbye)
		_, err := p.send(smtp.Mail{From: "ann@a.test", To: []string{"bob@b.test"}, Body: bytes.NewReader([]byte(body))})
		assert.NoError(t, err)
	})
}

// There is a Body, and as many RcptOptions as recipients, or the program is wrong.
func TestClientPanicsOnMistakes(t *testing.T) {
	inBubble(t, func(p *play) {
		c := p.config.New()
		m := message("hi", "a@b.test", "b@b.test")
		m.RcptOptions = make([]smtp.RcptOptions, 1)
		assert.Panics(p, func() { c.Send(m) })
		assert.Panics(p, func() { c.Send(smtp.Mail{To: m.To}) })
	})
}
