package smtp_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// taken is when the messages of these tests were.
var taken = time.Date(2026, 3, 4, 5, 6, 7, 0, time.FixedZone("", 3600))

func envelope() *smtp.Envelope {
	return &smtp.Envelope{
		Peer: &smtp.Peer{
			Remote:   &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4711},
			Server:   "mx.our.test",
			Hostname: "client.other.test",
			ESMTP:    true,
		},
		ID: "4F2", Time: taken, From: "a@other.test",
		To: []smtp.Recipient{{Address: "b@our.test"}},
	}
}

// RFC 5321, section 4.4: who, whom, how, under which name, for whom, when.
func TestTraceSaysWhence(t *testing.T) {
	assert.Equal(t, "Return-Path: <a@other.test>\r\n"+
		"Received: from client.other.test ([192.0.2.1]) by mx.our.test with ESMTP\r\n"+
		"\tid 4F2 for <b@our.test>; Wed, 4 Mar 2026 05:06:07 +0100\r\n", string(envelope().Trace()))
}

// A bounce has the null reverse-path.
func TestTraceOfBounce(t *testing.T) {
	e := envelope()
	e.From = ""
	assert.True(t, bytes.HasPrefix(e.Trace(), []byte("Return-Path: <>\r\n")))
}

// RFC 5321, section 7.2: recipients are not told of each other.
func TestTraceNamesOnlyOneRecipient(t *testing.T) {
	e := envelope()
	e.To = append(e.To, smtp.Recipient{Address: "secret@our.test"})
	assert.NotContains(t, string(e.Trace()), "our.test>")
	assert.NotContains(t, string(e.Trace()), " for ")
}

// RFC 3848, and RFC 6531 section 4.3.
func TestTraceNamesProtocol(t *testing.T) {
	state := &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256}
	for _, c := range []struct {
		with string
		peer smtp.Peer
		utf8 bool
	}{
		{"SMTP", smtp.Peer{}, false},
		{"SMTP", smtp.Peer{TLS: state}, false},
		{"ESMTP", smtp.Peer{ESMTP: true}, false},
		{"ESMTPS", smtp.Peer{ESMTP: true, TLS: state}, false},
		{"ESMTPA", smtp.Peer{ESMTP: true, User: "u"}, false},
		{"ESMTPSA", smtp.Peer{ESMTP: true, User: "u", TLS: state}, false},
		{"LMTP", smtp.Peer{ESMTP: true, LMTP: true}, false},
		{"LMTPS", smtp.Peer{ESMTP: true, LMTP: true, TLS: state}, false},
		{"LMTPA", smtp.Peer{ESMTP: true, LMTP: true, User: "u"}, false},
		{"LMTPSA", smtp.Peer{ESMTP: true, LMTP: true, User: "u", TLS: state}, false},
		{"UTF8SMTP", smtp.Peer{ESMTP: true}, true},
		{"UTF8SMTPS", smtp.Peer{ESMTP: true, TLS: state}, true},
		{"UTF8SMTPA", smtp.Peer{ESMTP: true, User: "u"}, true},
		{"UTF8SMTPSA", smtp.Peer{ESMTP: true, User: "u", TLS: state}, true},
		{"UTF8LMTP", smtp.Peer{ESMTP: true, LMTP: true}, true},
		{"UTF8LMTPSA", smtp.Peer{ESMTP: true, LMTP: true, User: "u", TLS: state}, true},
	} {
		e := envelope()
		e.Peer, e.Options.UTF8 = &c.peer, c.utf8
		received := strings.Join(strings.Fields(string(e.Received())), " ")
		assert.Contains(t, received, " with "+c.with+" ", "%+v", c)
		assert.Equal(t, c.peer.TLS != nil, strings.Contains(received, "(TLS 1.3, TLS_AES_128_GCM_SHA256)"))
	}
}

// Addresses are literals of RFC 5321, section 4.1.3; what is no address is left out.
func TestTraceAddresses(t *testing.T) {
	for _, c := range []struct {
		remote net.Addr
		want   string
	}{
		{&net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 1}, "x ([IPv6:2001:db8::1]) by"},
		{&net.TCPAddr{IP: net.ParseIP("fe80::1"), Port: 1, Zone: "eth0"}, "x ([IPv6:fe80::1]) by"},
		{&net.TCPAddr{IP: net.ParseIP("::ffff:192.0.2.7"), Port: 1}, "x ([192.0.2.7]) by"},
		{&net.UnixAddr{Name: "/run/x\r\ny", Net: "unix"}, "x by"},
		{nil, "x by"},
	} {
		e := envelope()
		e.Peer.Hostname, e.Peer.Remote = "x", c.remote
		assert.Contains(t, string(e.Received()), c.want)
	}
}

// Other letters than ASCII stand only in a message that may have them (RFC 6531,
// section 3.7.3).
func TestTraceUTF8(t *testing.T) {
	e := envelope()
	e.From, e.Peer.Hostname = "jürgen@other.test", "bücher.test"
	assert.Contains(t, string(e.Trace()), "<j?rgen@other.test>")
	assert.Contains(t, string(e.Trace()), "from b?cher.test")
	e.Options.UTF8 = true
	assert.Contains(t, string(e.Trace()), "<jürgen@other.test>")
	assert.Contains(t, string(e.Trace()), "from bücher.test")
}

// An Envelope made by hand has a trace.
func TestTraceOfNothing(t *testing.T) {
	assert.Contains(t, string(new(smtp.Envelope).Trace()), "Received: from unknown by localhost with SMTP id unknown;")
}

// checkTrace is the law: two fields, printable, in lines of at most 998
// characters, folded where they can be.
func checkTrace(t *testing.T, e *smtp.Envelope) {
	trace := string(e.Trace())
	spaced := strings.ContainsFunc(e.From+e.To[0].Address, unicode.IsSpace) // no word is one then
	require.True(t, strings.HasSuffix(trace, "\r\n"))
	var fields int
	for l := range strings.SplitSeq(strings.TrimSuffix(trace, "\r\n"), "\r\n") {
		require.NotContains(t, l, "\r")
		require.NotContains(t, l, "\n")
		require.NotContains(t, l, "\x00")
		require.LessOrEqual(t, len(l), 998)
		if l[0] != '\t' {
			fields++
		}
		if words := len(strings.Fields(l)); words > 7 && !spaced {
			require.LessOrEqual(t, len(l), 78, "%q", l)
		}
	}
	require.Equal(t, 2, fields)
	m, err := mail.ReadMessage(strings.NewReader(trace + "\r\n"))
	require.NoError(t, err)
	require.Len(t, m.Header, 2)
}

// FuzzTrace: whatever a peer says, it adds no field.
func FuzzTrace(f *testing.F) {
	f.Add("host\r\nX-Evil: 1", "a@b\nX: y", "c@d\r\n\r\nbody", "id", false)
	f.Add("[IPv6:::1]", `"a b"@c`, "d", "\x00\x7f", true)
	f.Add("host", "a@b", "someone@our.test", "ends-in-a-colon:", true)
	f.Add(strings.Repeat("long.", 300), strings.Repeat("x", 2000)+"@y", strings.Repeat("ü", 999), "\u2028\u0085\xff", true)
	f.Fuzz(func(t *testing.T, host, from, to, id string, utf8 bool) {
		e := envelope()
		e.Peer.Hostname, e.Peer.Server, e.From, e.To[0].Address, e.ID = host, host, from, to, id
		e.Options.UTF8 = utf8
		checkTrace(t, e)
	})
}
