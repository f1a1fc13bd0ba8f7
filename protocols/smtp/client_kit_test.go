package smtp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/netconn"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocols/smtp"
	"github.com/torsion-go/torsion/reactortest"
)

// A play is a Client and the server that it sends to, which says what is written.
type play struct {
	*testing.T
	config smtp.ClientConfig
	server net.Listener
	cert   tls.Certificate
	scenes sync.WaitGroup
	cut    bool // the server sends byte by byte
	stall  chan struct{}
	signal chan struct{}
	stop   func()
}

// inBubble plays over a reactor in memory, within a bubble: its time stands still
// while anything goes on, and who waits for nothing else is woken by his deadline.
func inBubble(t *testing.T, test func(p *play)) {
	t.Helper()
	inBubbleOn(t, "127.0.0.1:0", test)
}

func inBubbleOn(t *testing.T, addr string, test func(p *play)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := reactortest.NewMemory(reactortest.Config{Logger: slog.New(slog.DiscardHandler)})
		test(over(t, m, addr))
	})
}

// over runs r until the test ends, with a server on addr.
func over(t *testing.T, r reactortest.Reactor, addr string) *play {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- r.Run(context.Background()) }()
	p := &play{T: t, stop: r.Stop}
	t.Cleanup(func() {
		p.scenes.Wait()
		r.Stop()
		assert.NoError(t, <-done)
	})
	network := "tcp"
	if strings.Contains(addr, "/") {
		network = "unix"
	}
	var err error
	p.server, err = netconn.Listen(r, network, addr)
	require.NoError(t, err)
	t.Cleanup(func() { p.server.Close() })
	p.cert, err = secure.SelfSigned("127.0.0.1")
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(p.cert.Leaf)
	p.config = smtp.ClientConfig{
		Network:   r,
		Addr:      p.server.Addr().String(),
		Security:  smtp.TLSNever,
		TLS:       &tls.Config{RootCAs: roots},
		LocalName: "client.test",
	}
	return p
}

// serve plays one scene for each connection that comes, one after the other:
//
//	S: is said to the client
//	C: must be what it says
//	s: is said as it is, with Go's escapes
//	b: says that, so many times
//	TLS is a handshake, BADTLS one that the client ends, NOTLS none
//	CLOSE ends the connection here, HANG waits for the client to end it
//	WAIT waits until the test closes stall, STALL also ends the connection then
//	SIGNAL closes signal
//
// A scene that ends otherwise waits for the client to end the connection, and for
// nothing else.
func (p *play) serve(scenes ...string) {
	p.scenes.Go(func() {
		for _, scene := range scenes {
			c, err := p.server.Accept()
			if !assert.NoError(p, err, "a connection for\n%s", scene) {
				return
			}
			p.scene(c, scene)
		}
	})
}

func (p *play) scene(c net.Conn, scene string) {
	defer func() { c.Close() }()
	in := bufio.NewReader(c)
	for line := range strings.Lines(scene) {
		line = strings.TrimSuffix(strings.TrimLeft(line, "\t"), "\n")
		what, rest, _ := strings.Cut(line, " ")
		switch what {
		case "S:":
			p.say(c, rest+"\r\n")
		case "s:":
			raw, err := strconv.Unquote(`"` + rest + `"`)
			if assert.NoError(p, err, rest) {
				p.say(c, raw)
			}
		case "b:":
			count, text, _ := strings.Cut(rest, " ")
			n, err := strconv.Atoi(count)
			text, err2 := strconv.Unquote(`"` + text + `"`)
			if assert.NoError(p, errors.Join(err, err2), line) {
				p.say(c, strings.Repeat(text, n))
			}
		case "C:":
			got, err := in.ReadString('\n')
			if !assert.NoError(p, err, "instead of %q", line) || !assert.Equal(p, rest+"\r\n", got) {
				return
			}
		case "TLS", "BADTLS":
			over := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{p.cert}})
			if err := over.Handshake(); !assert.Equal(p, what == "TLS", err == nil, err) || err != nil {
				return
			}
			c = over
			in.Reset(over)
		case "NOTLS":
			_, _ = in.ReadByte() // of a ClientHello
			p.say(c, "220 what is this\r\n")
		case "CLOSE":
			return
		case "HANG":
			_, _ = io.Copy(io.Discard, in)
			return
		case "STALL":
			<-p.stall
			return
		case "SIGNAL":
			close(p.signal)
		case "WAIT":
			<-p.stall
		case "":
		default:
			assert.Fail(p, "what is this?", line)
			return
		}
	}
	left, err := io.ReadAll(in)
	assert.NoError(p, err)
	assert.Empty(p, string(left), "behind\n%s", scene)
}

// say writes to a client, which may be gone.
func (p *play) say(c net.Conn, s string) {
	n := len(s)
	if p.cut {
		n = 1
	}
	for ; s != ""; s = s[min(n, len(s)):] {
		_, _ = io.WriteString(c, s[:min(n, len(s))])
	}
}

const hello = `S: 220 mail.test
	C: EHLO client.test
	S: 250 mail.test
`

const goodbye = `
	C: QUIT
	S: 221 bye`

// message is one to these.
func message(body string, to ...string) smtp.Mail {
	return smtp.Mail{From: "ann@a.test", To: to, Body: strings.NewReader(body)}
}

// send sends m over a connection of its own, within a time in which all ends.
func (p *play) send(m smtp.Mail) (smtp.Result, error) {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 24*time.Hour)
	defer cancel()
	return smtp.SendMail(ctx, p.config, m)
}

// requireSendError requires err to be one, of this verb.
func requireSendError(t *testing.T, err error, verb string, unknown bool) *smtp.SendError {
	t.Helper()
	var e *smtp.SendError
	require.ErrorAs(t, err, &e)
	assert.Equal(t, verb, e.Verb, err)
	assert.Equal(t, unknown, e.Unknown, err)
	assert.Equal(t, unknown, errorIs(err, smtp.ErrUnknown))
	assert.Equal(t, !unknown, errorIs(err, smtp.ErrNotAccepted))
	return e
}
