package smtp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// exchanges are what is said when all goes well: a command, and the reply to it.
var exchanges = []struct{ verb, command, reply string }{
	{"greeting", "", "S: 220 mail.test"},
	{"EHLO", "C: EHLO client.test", "S: 250 mail.test"},
	{"MAIL", "C: MAIL FROM:<ann@a.test>", "S: 250 ok"},
	{"RCPT", "C: RCPT TO:<bob@b.test>", "S: 250 ok"},
	{"DATA", "C: DATA", "S: 354 go on"},
	{"end of DATA", "C: hi\nC: .", "S: 250 ok"},
}

// upTo is the scene up to the reply to the command i.
func upTo(i int) string {
	var b strings.Builder
	for _, e := range exchanges[:i] {
		b.WriteString(e.command + "\n" + e.reply + "\n")
	}
	return b.String() + exchanges[i].command + "\n"
}

// What servers do wrong, at any time.
var troubles = []struct {
	name, reply string
	err         error
}{
	{"hang-up", "CLOSE", io.EOF},
	{"hang-up within a code", "s: 25\nCLOSE", io.ErrUnexpectedEOF},
	{"hang-up within a reply", "s: 250-a\\r\\n250\nCLOSE", io.ErrUnexpectedEOF},
	{"silence", "HANG", os.ErrDeadlineExceeded},
	{"silence within a reply", "s: 250-a\\r\\n250 b\nHANG", os.ErrDeadlineExceeded},
	{"no number", "S: Welcome", smtp.ErrProtocol},
	{"no text and no number", "S:", smtp.ErrProtocol},
	{"a long number", "S: 2500 ok", smtp.ErrProtocol},
	{"a short number", "S: 25 ok", smtp.ErrProtocol},
	{"a signed number", "S: +25 ok", smtp.ErrProtocol},
	{"another separator", "S: 250+ok", smtp.ErrProtocol},
	{"100", "S: 100 wait", smtp.ErrProtocol},
	{"a code of no class", "S: 650 ok", smtp.ErrProtocol},
	{"a code for others", "S: 299 ok", smtp.ErrProtocol},
	{"another code within", "S: 250-a\nS: 550 b", smtp.ErrProtocol},
	{"no code within", "S: 250-a\nS: b\nS: 250 c", smtp.ErrProtocol},
	{"a long line", "b: 4000 x", smtp.ErrProtocol},
	{"an endless line", "b: 1000000 x", smtp.ErrProtocol},
	{"an endless reply", "b: 20000 250-x\\r\\n", smtp.ErrProtocol},
}

// Whatever goes wrong at a command ends the attempt, within the time for it. Whether
// the message may be sent again is sure before its end, and unknown behind it.
func TestClientTrouble(t *testing.T) {
	for i, e := range exchanges {
		for _, trouble := range troubles {
			t.Run(e.verb+", "+trouble.name, func(t *testing.T) {
				inBubble(t, func(p *play) {
					p.serve(upTo(i) + trouble.reply)
					begun := time.Now()
					r, err := p.send(message("hi", "bob@b.test"))
					se := requireSendError(p.T, err, e.verb, i == len(exchanges)-1)
					assert.ErrorIs(p, err, trouble.err)
					assert.True(p, se.Temporary())
					assert.Equal(p, []smtp.Receipt{{Address: "bob@b.test", Err: err}}, r.To)
					assert.LessOrEqual(p, time.Since(begun), 10*time.Minute)
				})
			})
		}
	}
}

// A refusal at whatever command is the error. If it is not 421 the server hears
// goodbye, once it has been greeted.
func TestClientRefused(t *testing.T) {
	for i, e := range exchanges {
		for _, reply := range []string{"421 4.3.2 closing", "451 4.3.0 later", "554 5.7.1 no"} {
			t.Run(e.verb+", "+reply, func(t *testing.T) {
				inBubble(t, func(p *play) {
					scene := upTo(i) + "S: " + reply
					if i > 1 && !strings.HasPrefix(reply, "421") {
						scene += goodbye
					}
					p.serve(scene)
					r, err := p.send(message("hi", "bob@b.test"))
					se := requireSendError(p.T, err, e.verb, false)
					assert.Equal(p, reply[0] == '4', se.Temporary())
					var refused *smtp.SMTPError
					require.ErrorAs(p, err, &refused)
					assert.Equal(p, reply[:3], refused.Error()[len("SMTP error "):][:3])
					assert.Equal(p, smtp.EnhancedCode{int(reply[4] - '0'), int(reply[6] - '0'), int(reply[8] - '0')}, refused.EnhancedCode)
					assert.Equal(p, reply[10:], refused.Message)
					assert.ErrorIs(p, r.To[0].Err, error(refused))
				})
			})
		}
	}
}

// Replies that are odd but clear are understood: without text, ended by LF, with
// codes of no status in several lines; what cannot be printed is replaced.
func TestClientOddReplies(t *testing.T) {
	inBubble(t, func(p *play) {
		p.serve(`s: 220\r\n
			C: EHLO client.test
			s: 250\n
			C: MAIL FROM:<ann@a.test>
			s: 250-\r\n250\r\n
			C: RCPT TO:<bob@b.test>
			s: 250-a\n250 b\n
			C: RCPT TO:<c@b.test>
			s: 550-5.1 no\r\n550-5.1.1  \x1b[2J\xff\r\n550 \tno\r\n
			C: DATA
			s: 354\r\n
			C: hi
			C: .
			s: 250\r\n` + goodbye)
		r, err := p.send(message("hi", "bob@b.test", "c@b.test"))
		require.NoError(t, err)
		assert.Equal(t, "a\nb", r.To[0].Text)
		assert.Equal(t, &smtp.SMTPError{Code: 550, Message: "5.1 no\n5.1.1  ?[2J?\n\tno"}, r.To[1].Err)
	})
}

// The longest line is not too long for go-smtp, whatever is in it.
func TestClientLongestReply(t *testing.T) {
	for _, c := range []string{"x", `\xff`, `\x1b`} {
		inBubble(t, func(p *play) {
			p.serve(upTo(3) + "s: 250 " + strings.Repeat(c, 1986) + "\\r\\n\nC: DATA\nS: 421 no")
			_, err := p.send(message("hi", "bob@b.test"))
			requireSendError(t, err, "DATA", false)
		})
	}
}

// Each reply has its time, and each part of a message.
func TestClientTimeouts(t *testing.T) {
	times := smtp.ClientTimeouts{Greeting: 1 * time.Hour, Command: 2 * time.Hour, Data: 3 * time.Hour, Final: 4 * time.Hour}
	for i, want := range []time.Duration{times.Greeting, times.Command, times.Command, times.Command, times.Data, times.Final} {
		inBubble(t, func(p *play) {
			p.config.Timeouts = times
			p.serve(upTo(i) + "HANG")
			begun := time.Now()
			_, err := p.send(message("hi", "bob@b.test"))
			assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
			assert.Equal(t, want, time.Since(begun), exchanges[i].verb)
		})
	}
}

// A server that takes nothing of a message for long is given up, and has not got it.
func TestClientGivesUpWriting(t *testing.T) {
	inBubble(t, func(p *play) {
		p.config.Timeouts.Block = 7 * time.Minute
		p.stall = make(chan struct{})
		p.serve(upTo(4) + "S: 354 go on\nSTALL")
		begun := time.Now()
		_, err := p.send(smtp.Mail{From: "ann@a.test", To: []string{"bob@b.test"}, Body: bytes.NewReader(make([]byte, 8<<20))})
		close(p.stall)
		requireSendError(t, err, "DATA", false)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, p.config.Timeouts.Block, time.Since(begun))
	})
}

// Nobody gets the rest of a message whose Body fails, or is not what it was.
func TestClientBodyFails(t *testing.T) {
	broken := errors.New("broken")
	for name, body := range map[string]io.ReadSeeker{
		"fails":   &fickle{Reader: strings.NewReader("hi"), second: func() (io.Reader, error) { return io.MultiReader(strings.NewReader("hi"), fails{broken}), nil }},
		"changes": &fickle{Reader: strings.NewReader("hi"), second: func() (io.Reader, error) { return strings.NewReader("h\u00ed"), nil }},
		"grows":   &fickle{Reader: strings.NewReader("hi"), second: func() (io.Reader, error) { return strings.NewReader("hi\nyou"), nil }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(p *play) {
				p.serve(upTo(4) + "S: 354 go on\nHANG")
				_, err := p.send(smtp.Mail{From: "ann@a.test", To: []string{"bob@b.test"}, Body: body})
				requireSendError(p.T, err, "DATA", false)
				assert.Equal(p, name == "fails", errors.Is(err, broken))
			})
		})
	}
	inBubble(t, func(p *play) {
		_, err := p.send(smtp.Mail{From: "ann@a.test", To: []string{"bob@b.test"}, Body: &fickle{second: func() (io.Reader, error) { return nil, broken }, Reader: strings.NewReader("")}})
		requireSendError(t, err, "DATA", false)
		assert.ErrorIs(t, err, broken)
	})
}

// A panic of a Body is the error of its message, and of no other.
func TestClientBodyPanics(t *testing.T) {
	inBubble(t, func(p *play) {
		p.serve(upTo(4)+"S: 354 go on\nHANG", upTo(5)+"S: 250 ok"+goodbye)
		c := p.config.New()
		defer c.Close()
		body := &fickle{Reader: strings.NewReader("hi"), second: func() (io.Reader, error) { return panics{}, nil }}
		_, err := c.SendContext(context.Background(), smtp.Mail{From: "ann@a.test", To: []string{"bob@b.test"}, Body: body})
		requireSendError(t, err, "send", false)
		assert.ErrorContains(t, err, "mine")
		_, err = c.SendContext(context.Background(), message("hi", "bob@b.test"))
		assert.NoError(t, err)
		require.NoError(t, c.QuitContext(context.Background()))
	})
}

// A fickle Body is another one when it has been rewound.
type fickle struct {
	io.Reader
	second func() (io.Reader, error)
}

func (f *fickle) Seek(_ int64, whence int) (_ int64, err error) {
	if whence == io.SeekStart {
		f.Reader, err = f.second()
	}
	return 0, err
}

type fails struct{ err error }

func (f fails) Read([]byte) (int, error) { return 0, f.err }

type panics struct{}

func (panics) Read([]byte) (int, error) { panic("mine") }
