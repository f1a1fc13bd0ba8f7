package reactor_test

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/proxyproto"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/reactor"
)

// said is a log, a line at a time.
type said chan string

func (s said) Write(p []byte) (int, error) { s <- string(p); return len(p), nil }

// Whoever is refused, by whatever is below the protocols, is in the log at Debug,
// with the reason.
func TestRefusalsAreLogged(t *testing.T) {
	cert, err := secure.SelfSigned("torsion.test")
	require.NoError(t, err)
	f := serving(probe{})
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	full := (&factory.Limit{Total: 1}).Around(f)
	full.BuildProtocol(nil)
	one := (&factory.Limit{PerPeer: 1}).Around(f)
	one.BuildProtocol(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	const refused = `msg="connection not accepted" addr=ADDR peer=PEER err="connection refused by our own factory`
	for name, c := range map[string]struct {
		f    factory.Factory
		want string
	}{
		"nobody":    {factory.Each(func() protocol.Protocol { return nil }), refused + `"`},
		"limit":     {full, refused + `: Limit.Total of 1"`},
		"of a peer": {one, refused + `: Limit.PerPeer of 1"`},
		"the inner": {(&factory.Limit{Total: 1}).Around(factory.Idle{}.Around(full)), refused + `: Limit.Total of 1"`},
		"untrusted": {proxyproto.Config{}.Wrap(f), refused + `: proxyproto: the peer is none of Config.Trusted"`},
		"no header": {
			proxyproto.Config{Trusted: local}.Wrap(f),
			`msg="connection ended" peer=PEER protocol=*proxyproto.layer reason="proxyproto: no header"`,
		},
		"no TLS": {
			secure.Config{Server: &tls.Config{Certificates: []tls.Certificate{cert}}}.Wrap(f),
			`msg="connection ended" peer=PEER protocol=*secure.layer reason="secure: handshake: tls: first record does not look like a TLS handshake"`,
		},
	} {
		said := make(said, 10)
		r := start(t, reactor.Config{Logger: slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		port := listen(t, r, c.f)
		peer := dial(t, port.Addr())
		_, err := io.WriteString(peer, "GET / HTTP/1.0\r\n\r\n")
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, peer) // ends with whatever
		require.NoError(t, peer.Close())
		where := strings.NewReplacer("ADDR", port.Addr().String(), "PEER", peer.LocalAddr().String())
		assert.Contains(t, wait(t, said), where.Replace(c.want), name)
	}
}

// Who has not refused a peer himself gives no reason: another has.
func TestRefusersDoNotGuess(t *testing.T) {
	full := (&factory.Limit{Total: 1}).Around(serving(probe{}))
	full.BuildProtocol(nil)
	trusted := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
	nobody := factory.Each(func() protocol.Protocol { return nil })
	for _, f := range []factory.Factory{
		proxyproto.Config{Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}.Wrap(full),
		(&factory.Limit{Total: 1, Overflow: nobody}).Around(full),
	} {
		r, ok := protocol.As[factory.Refuser](f)
		require.True(t, ok)
		assert.NoError(t, r.WhyRefused(trusted))
	}
}
