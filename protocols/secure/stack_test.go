package secure_test

import (
	"crypto/tls"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocols/telnet"
	"github.com/torsion-go/torsion/protocoltest"
)

// Input in clear is found in every layer above: what telnet has begun, and what waits
// for it or for the session.
func TestInjectedPlaintextInLayers(t *testing.T) {
	for _, behind := range []string{"Q", "QUIT\r\n", "\r", "\xff", "\xff\xfd", "\xff\xfa\x18", "\xff\xf1", "\x00"} {
		m := &mailer{}
		tr := protocoltest.Connect(offering(serverSide, telnet.Config{}.New(line.New(m))))
		tr.Receive("STARTTLS\r\n" + behind)
		assert.Equal(t, secure.ErrPlaintextInjected, m.err, "%q", behind)
		assert.Equal(t, secure.ErrPlaintextInjected, m.reason, "%q", behind)
		assert.Equal(t, []string{"STARTTLS"}, m.heard)
		assert.Empty(t, tr.Take())
	}
}

// Through telnet and lines the start of TLS, what comes over it and its end go up, and
// what goes down is what it should be, however it is cut.
func TestLayersOverTLS(t *testing.T) {
	for _, start := range []bool{false, true} {
		for name := range protocoltest.Cuts("") {
			m := &mailer{}
			layers := telnet.Config{Grant: []telnet.Option{telnet.SGA}}.New(line.New(m))
			p := over(serverSide, layers)
			if start {
				p = offering(serverSide, layers)
			}
			tr := protocoltest.Connect(p)
			if start {
				tr.Receive("\xff\xfd\x03STARTTLS\r\n")
				assert.Equal(t, "\xff\xfb\x03220 Go ahead\r\n", tr.Take())
			}
			w := &wire{tr: tr}
			conn := tls.Client(w, clientTLS)
			require.NoError(t, conn.Handshake())
			_, err := read(conn) // hello, if it has been started
			require.NoError(t, err)
			w.sent = func(p []byte) []byte {
				for n, pieces := range protocoltest.Cuts(string(p)) {
					if n == name {
						for _, piece := range pieces {
							tr.Receive(piece)
						}
					}
				}
				return nil
			}
			m.heard = nil
			conn.Write([]byte("on\xff\xf1e\r\n\xff\xfd\x01two\r\n"))
			assert.Equal(t, []string{"one", "two"}, m.heard)
			tr.Do(func() { m.SendLine("\xff"); m.LoseConnection() })
			got, err := read(conn)
			assert.Error(t, err)
			assert.Equal(t, "\xff\xfc\x01\xff\xff\r\n", got)
		}
	}
}
