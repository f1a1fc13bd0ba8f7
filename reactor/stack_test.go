package reactor_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/proxyproto"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocols/telnet"
	"github.com/torsion-go/torsion/reactor"
)

// A teller answers a command a line, over everything that may stand below it.
type teller struct {
	line.Base
	secured bool
}

func (s *teller) Secured(tls.ConnectionState) { s.secured = true }

func (s *teller) LineReceived(l []byte) {
	switch string(l) {
	case "STARTTLS":
		s.SendLine("go ahead")
		if t, ok := protocol.As[protocol.TLSStarter](s.Conn); !ok || t.StartTLS() != nil {
			s.Abort()
		}
	case "who":
		s.SendLine(fmt.Sprintf("%v %v", s.RemoteAddr(), s.secured))
	case "much":
		for range 1000 {
			s.SendLine(strings.Repeat("\xff", 50))
		}
		s.LoseConnection()
	}
}

// All layers and policies in their order serve one session: its peer is whom the
// proxy says, TLS is found through telnet, bytes are right, and the end is clean.
func TestLayersInTheirOrder(t *testing.T) {
	cert, err := secure.SelfSigned("torsion.test")
	require.NoError(t, err)
	var log bytes.Buffer
	proxies := proxyproto.Config{Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	limit, slow := &factory.Limit{PerPeer: 1}, &factory.Throttle{Read: 10 << 20, Write: 10 << 20}
	traffic := factory.TrafficLog{Logger: slog.New(slog.NewTextHandler(&log, nil)), Level: slog.LevelInfo, MaxBytes: -1}
	tlsOffer := secure.Config{Server: &tls.Config{Certificates: []tls.Certificate{cert}}}
	sessions := factory.Each(func() protocol.Protocol { return line.New(&teller{}) })
	f := proxies.Wrap(limit.Around(factory.Idle{}.Around(slow.Around(traffic.Around(
		tlsOffer.Offer(telnet.Config{}.Wrap(sessions)))))))

	r := start(t, reactor.Config{})
	c := dial(t, listen(t, r, f).Addr())
	fmt.Fprint(c, "PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\nSTARTTLS\r\n")
	text := make([]byte, len("go ahead\r\n"))
	_, err = io.ReadFull(c, text)
	require.NoError(t, err)
	assert.Equal(t, "go ahead\r\n", string(text))

	trusted := x509.NewCertPool()
	trusted.AddCert(cert.Leaf)
	over := tls.Client(c, &tls.Config{RootCAs: trusted, ServerName: "torsion.test"})
	fmt.Fprint(over, "who\r\n\xff\xf6much\r\n") // with a question in telnet between
	in := bufio.NewReader(over)
	for _, want := range []string{"192.0.2.7:4711 true\r\n", "[Yes]\r\n"} {
		l, err := in.ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, want, l)
	}
	rest, err := io.ReadAll(in)
	assert.NoError(t, err, "it ends with close_notify")
	assert.Equal(t, strings.Repeat(strings.Repeat("\xff\xff", 50)+"\r\n", 1000), string(rest))
	said := on(t, r, log.String)
	assert.Contains(t, said, "connection made")
	assert.NotContains(t, said, "4711 true")
}
