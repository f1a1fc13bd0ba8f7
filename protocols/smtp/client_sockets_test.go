//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package smtp_test

import (
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocols/smtp"
	"github.com/torsion-go/torsion/reactor"
)

// onSockets plays over a reactor on real sockets.
func onSockets(t *testing.T, addr string, test func(p *play)) {
	t.Helper()
	r, err := reactor.New(reactor.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	test(over(t, r, addr))
}

// All of it works over real sockets.
func TestClientOverSockets(t *testing.T) {
	t.Run("STARTTLS", func(t *testing.T) {
		onSockets(t, "127.0.0.1:0", func(p *play) {
			p.config.Security = smtp.TLSRequired
			p.serve(offered + "S: 220 go on\nTLS\nC: EHLO client.test\nS: 250 mail.test\n" + transaction + goodbye)
			_, err := p.send(message("hi", "bob@b.test"))
			assert.NoError(t, err)
		})
	})
	t.Run("LMTP", func(t *testing.T) {
		onSockets(t, filepath.Join(t.TempDir(), "lmtp"), func(p *play) {
			p.config.LMTP, p.config.Security = true, smtp.TLSRequired
			p.serve(strings.Replace(hello, "EHLO", "LHLO", 1) + transaction + goodbye)
			_, err := p.send(message("hi", "bob@b.test"))
			assert.NoError(t, err)
		})
	})
}

// Clients leave nothing, however their messages end: no descriptor, no goroutine, no
// timer.
func TestClientsLeaveNothing(t *testing.T) {
	r, err := reactor.New(reactor.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	p := over(t, r, "127.0.0.1:0")
	round := func() {
		for _, scene := range []string{
			hello + transaction + goodbye,
			hello + "C: MAIL FROM:<ann@a.test>\nS: 550 no" + goodbye,
			upTo(4) + "CLOSE",
			upTo(5) + "S: what",
			"S: 421 later",
		} {
			p.serve(scene)
			_, _ = p.send(message("hi", "bob@b.test"))
		}
		p.signal = make(chan struct{})
		p.serve(upTo(2) + "SIGNAL\nHANG")
		c := p.config.New()
		d, result := p.begin(func() *deferred.Deferred[smtp.Result] { return c.Send(message("hi", "bob@b.test")) })
		<-p.signal
		p.on(d.Cancel)
		requireSendError(t, (<-result).err, "send", false)
		require.NoError(t, c.Close())
		p.scenes.Wait()
		for r.Stats().Connections > 0 {
			runtime.Gosched() // the last are on their way
		}
	}
	hosttest.LeavesNothing(t, 5, 50, round)
	assert.Zero(t, r.Stats().Timers)
}
