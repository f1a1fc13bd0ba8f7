package smtp

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// A leaver is a clerk whose client goes while it is asked.
type leaver struct {
	clerk
	leave func()
	at    string // what it is asked then
}

func (l *leaver) NewSession(p *Peer) (Session, error) {
	l.clerk.NewSession(p)
	l.left("hello")
	return l, nil
}

func (l *leaver) Mail(from string, o *MailOptions) error {
	l.left("mail")
	return l.clerk.Mail(from, o)
}

func (l *leaver) Rcpt(to string, o *RcptOptions) error {
	l.left("rcpt")
	return l.clerk.Rcpt(to, o)
}

func (l *leaver) left(at string) {
	if l.at == at {
		l.leave()
	}
}

// Whenever the client goes, a transaction that the Session has begun is reset, and then it
// is left.
func TestLostWhileAsked(t *testing.T) {
	for at, want := range map[string]string{
		"hello": "hello me\nlogout",
		"mail":  "hello me\nmail a@x\nreset\nlogout",
		"rcpt":  "hello me\nmail a@x\nrcpt b@our.test\nreset\nlogout",
	} {
		bothWays(t, func(t *testing.T, c *clerk) {
			l := &leaver{clerk: *c, at: at}
			tr := dial(testServer().New(l))
			l.leave = func() { tr.Loop().Call(tr.Abort) }
			tr.Receive("HELO me\r\n")
			tr.Receive("MAIL FROM:<a@x>\r\n")
			tr.Receive("RCPT TO:<b@our.test>\r\n")
			assert.Equal(t, want, l.asked(), at)
			assert.Error(t, tr.Lost())
		})
	}
}
