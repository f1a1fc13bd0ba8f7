//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package smtp

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactor"
)

// A sleeper is a Session that keeps files, and takes its time for one thing.
type sleeper struct {
	clerk
	at     string    // what it takes its time for; or its file is there
	asked  chan bool // closed when it begins
	answer chan bool // closed when it may end
	left   chan bool // closed by Logout
}

func (s *sleeper) sleep(at string) {
	if s.at == at {
		close(s.asked)
		<-s.answer
	}
}

func (s *sleeper) NewSession(p *Peer) (Session, error) {
	s.sleep("hello")
	s.clerk.NewSession(p)
	return s, nil
}

func (s *sleeper) Mail(from string, o *MailOptions) error {
	s.sleep("mail")
	return s.clerk.Mail(from, o)
}

func (s *sleeper) Spool() (Spool, error) {
	s.sleep("spool")
	f, err := tempSpool()
	return &noted{f, s}, err
}

func (s *sleeper) Data(io.Reader) error {
	s.sleep("data")
	s.note("data")
	return nil
}

func (s *sleeper) Logout() error {
	s.note("logout")
	close(s.left)
	return nil
}

type noted struct {
	Spool
	s *sleeper
}

func (n *noted) Write(p []byte) (int, error) {
	if n.s.at == "half" {
		defer close(n.s.asked)
	}
	return n.Spool.Write(p)
}

func (n *noted) Close() error {
	n.s.note("close")
	return n.Spool.Close()
}

// Also if the loop stops, and does not wait, a Session hears all that it has to hear:
// when it has answered what it was asked.
func TestLeftWhenStopped(t *testing.T) {
	for at, want := range map[string]string{
		"hello": "hello me\nlogout",
		"mail":  "hello me\nmail a@x\nreset\nlogout",
		"spool": "hello me\nmail a@x\nrcpt b@our.test\nclose\nreset\nlogout",
		"half":  "hello me\nmail a@x\nrcpt b@our.test\nclose\nreset\nlogout",
		"data":  "hello me\nmail a@x\nrcpt b@our.test\ndata\nreset\nlogout",
	} {
		t.Run(at, func(t *testing.T) {
			s := &sleeper{at: at, asked: make(chan bool), answer: make(chan bool), left: make(chan bool)}
			r, err := reactor.New(reactor.Config{Logger: slog.New(slog.DiscardHandler)})
			require.NoError(t, err)
			config := testServer()
			config.MaxMemory = 10
			port, err := r.Listen("tcp", "127.0.0.1:0", config.New(s))
			require.NoError(t, err)
			ended := make(chan error, 1)
			go func() { ended <- r.Run(t.Context()) }()
			c := call(t, port.Addr().String())
			text := strings.Repeat("x", 20) // more than memory takes
			if at == "data" {
				text = ".\r\n"
			}
			_, err = io.WriteString(c.Conn, addressed1+"DATA\r\n"+text)
			require.NoError(t, err)
			<-s.asked
			r.Stop()
			r.Stop()
			assert.NoError(t, <-ended)
			close(s.answer)
			<-s.left
			assert.Equal(t, want, s.clerk.asked())
		})
	}
}

// What a Session says of another loop that has stopped is its answer, and not the end.
func TestAnswerOfStoppedLoop(t *testing.T) {
	bothWays(t, func(t *testing.T, c *clerk) {
		c.data = func(io.Reader) error { return protocol.ErrStopped }
		tr := dial(testServer().New(c))
		tr.Receive(addressed1 + "DATA\r\n")
		tr.Take()
		tr.Receive(".\r\nNOOP\r\n")
		assert.Equal(t, "451 4.3.0 Local error in processing, try again later\r\n250 2.0.0 Ok\r\n", tr.Take())
		tr.Do(tr.Abort)
		assert.True(t, strings.HasSuffix(c.asked(), "data \nreset\nlogout"))
	})
}
