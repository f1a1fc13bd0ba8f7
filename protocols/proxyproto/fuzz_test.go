package proxyproto_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/proxyproto"
	"github.com/torsion-go/torsion/protocoltest"
)

// reasons are what a connection can end with on which the proxy said something.
var reasons = []error{protocol.ErrConnectionDone, proxyproto.ErrNoHeader, proxyproto.ErrMalformed, proxyproto.ErrTruncated}

// play sends pieces and the end to a session behind proxies. It returns the session
// and which of the reasons the connection ended with.
func play(t *testing.T, pieces []string) (s *session, reason int) {
	s = &session{}
	tr := connect(trusting, s)
	for _, p := range pieces {
		tr.Receive(p)
	}
	tr.EOF()
	reason = slices.IndexFunc(reasons, func(err error) bool { return errors.Is(tr.Lost(), err) })
	require.GreaterOrEqual(t, reason, 0, "%v", tr.Lost())
	require.Zero(t, tr.Timers())
	return s, reason
}

// Whole, byte by byte and cut at random, the same comes of it: a session that sees
// the same addresses and hears all that stands behind the header, or the same end.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{
		header + "input",
		"PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n" + header,
		"PROXY UNKNOWN\r\nx", "PROXY UNKNOWN ffff::1\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 -1 65536\r\n", "PROXY\n",
		"PROXY UNKNOWN" + strings.Repeat(" x", 60),
		v2(0x21, 0x11, v4Ends) + "input", v2(0x21, 0x21, v6Ends), v2(0x21, 0x31, unixEnds), v2(0x20, 0x00, "") + "x",
		sealed(0x11, v4Ends) + "input", sealed(0x31, unixEnds), v2(0x21, 0x12, v4Ends), v2(0x31, 0x11, v4Ends),
		v2(0x21, 0x11, v4Ends+"\x01\x00\x02h2\x02\x00\x01x"), v2(0x21, 0x11, v4Ends+"\x03\x00\x04test"),
		v2(0x20, 0x11, strings.Repeat("x", 4097)), "GET / HTTP/1.1\r\n", "\r\n\r\n\x00\r\nQUIT", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if len(in) > 1<<10 {
			return
		}
		var first *session
		var reason int
		for cut, pieces := range protocoltest.Cuts(in) {
			s, r := play(t, pieces)
			if first == nil {
				first, reason = s, r
				require.True(t, strings.HasSuffix(in, s.heard))
				require.True(t, r == 0 || s.built == "", "nobody is built for a bad header")
			}
			require.Equal(t, first.ends, s.ends, cut)
			require.Equal(t, first.built, s.built, cut)
			require.Equal(t, first.heard, s.heard, cut)
			require.Equal(t, reason, r, cut)
		}
	})
}
