package proxyproto_test

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/proxyproto"
	"github.com/torsion-go/torsion/protocoltest"
)

// proxy is the address of the socket's peer, ours that of the socket.
var (
	proxy = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 50000}
	ours  = "192.0.2.1:7"
)

var trusting = proxyproto.Config{Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}

// A session notes whom it was built for and what it hears.
type session struct {
	protocol.Base
	made   func()
	built  string // whom BuildProtocol was told
	ends   string // RemoteAddr and LocalAddr
	heard  string
	reason error
}

func (s *session) ConnectionMade(t protocol.Transport) {
	s.ends = t.RemoteAddr().String() + " " + t.LocalAddr().String()
	if s.made != nil {
		s.made()
	}
}

func (s *session) DataReceived(p []byte) { s.heard += string(p) }

func (s *session) ConnectionLost(reason error) { s.reason = reason }

// sessions is a factory of one session, s.
func sessions(s *session) factory.Factory {
	return factory.Func(func(peer net.Addr) protocol.Protocol {
		s.built += peer.String()
		return s
	})
}

// connect returns a connection that c put below s.
func connect(c proxyproto.Config, s *session) *protocoltest.Transport {
	return protocoltest.Connect(c.Wrap(sessions(s)).BuildProtocol(proxy))
}

// v2 returns a header of version 2 with that command and family and what follows.
func v2(command, family byte, rest string) string {
	head := append([]byte("\r\n\r\n\x00\r\nQUIT\n"), command, family)
	return string(binary.BigEndian.AppendUint16(head, uint16(len(rest)))) + rest
}

const (
	v4Ends = "\xc6\x33\x64\x07\xcb\x00\x71\x01\x9c\x40\x00\x19" // 198.51.100.7:40000 to 203.0.113.1:25
	v6Ends = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x9c\x40\x00\x19"
	v4Told = "198.51.100.7:40000 203.0.113.1:25"
	v6Told = "[2001:db8::7]:40000 [2001:db8::1]:25"
)

var unixEnds = pad("/run/client", 108) + pad("/run/server", 108)

func pad(s string, n int) string { return s + strings.Repeat("\x00", n-len(s)) }

// sealed is a header of version 2 with a checksum (section 2.2.3) between two other
// things.
func sealed(family byte, ends string) string {
	head := []byte(v2(0x21, family, ends+"\x04\x00\x02xx"+"\x03\x00\x04\x00\x00\x00\x00"+"\xe0\x00\x01x"))
	sum := crc32.Checksum(head, crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(head[16+len(ends)+5+3:], sum)
	return string(head)
}

// Whatever the header says, however it is cut, the session sees it, and then its
// input from the first byte.
func TestAddressesAreTheHeaders(t *testing.T) {
	kept := proxy.String() + " " + ours
	for name, c := range map[string]struct{ head, ends string }{
		"v1, IPv4":                {"PROXY TCP4 198.51.100.7 203.0.113.1 40000 25\r\n", v4Told},
		"v1, IPv6":                {"PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n", v6Told},
		"v1, unknown":             {"PROXY UNKNOWN\r\n", kept},
		"v1, unknown with more":   {"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", kept},
		"v1, the longest":         {"PROXY UNKNOWN" + strings.Repeat(" x", 46) + "\r\n", kept},
		"v2, IPv4":                {v2(0x21, 0x11, v4Ends), v4Told},
		"v2, IPv6":                {v2(0x21, 0x21, v6Ends), v6Told},
		"v2, Unix":                {v2(0x21, 0x31, unixEnds), "/run/client /run/server"},
		"v2, local":               {v2(0x20, 0x00, ""), kept},
		"v2, local with an end":   {v2(0x20, 0x11, v4Ends), kept},
		"v2, local, any rest":     {v2(0x20, 0x11, "any"), kept},
		"v2, IPv4, checksum":      {sealed(0x11, v4Ends), v4Told},
		"v2, IPv6, checksum":      {sealed(0x21, v6Ends), v6Told},
		"v2, Unix, checksum":      {sealed(0x31, unixEnds), "/run/client /run/server"},
		"v2, the longest":         {v2(0x21, 0x11, v4Ends+"\x04\x0f\xf1"+strings.Repeat("x", 4096-15)), v4Told},
		"v2, no-ops of no length": {v2(0x21, 0x11, v4Ends+"\x04\x00\x00\x04\x00\x00"), v4Told},
	} {
		for cut, pieces := range protocoltest.Cuts(c.head + "PROXY input\r\n") {
			t.Run(name+"/"+cut, func(t *testing.T) {
				s := &session{}
				tr := connect(trusting, s)
				for _, p := range pieces {
					tr.Receive(p)
				}
				require.NoError(t, tr.Lost())
				assert.Equal(t, c.ends, s.ends)
				assert.Equal(t, strings.Fields(c.ends)[0], s.built)
				assert.Equal(t, "PROXY input\r\n", s.heard)
				assert.Zero(t, tr.Timers())
			})
		}
	}
}

// What is no header ends the connection with the same reason however it is cut,
// and nobody is built for it.
func TestBadHeadersEndTheConnection(t *testing.T) {
	badSum := []byte(sealed(0x11, v4Ends))
	badSum[len(badSum)-1] = 'y'
	for name, c := range map[string]struct {
		input string
		want  error
	}{
		"something else":         {"EHLO example.com\r\n", proxyproto.ErrNoHeader},
		"a zero byte":            {"\x00", proxyproto.ErrNoHeader},
		"nearly v1":              {"PROXX TCP4 198.51.100.7 203.0.113.1 40000 25\r\n", proxyproto.ErrNoHeader},
		"nearly v2":              {"\r\n\r\n\x00\r\nQUIT\r" + v4Ends, proxyproto.ErrNoHeader},
		"lower case":             {"proxy TCP4 198.51.100.7 203.0.113.1 40000 25\r\n", proxyproto.ErrNoHeader},
		"a longer word":          {"PROXYS TCP4 198.51.100.7 203.0.113.1 40000 25\r\n", proxyproto.ErrMalformed},
		"no family":              {"PROXY\r\n", proxyproto.ErrMalformed},
		"an unheard family":      {"PROXY UDP4 198.51.100.7 203.0.113.1 40000 25\r\n", proxyproto.ErrMalformed},
		"the other family":       {"PROXY TCP4 2001:db8::7 2001:db8::1 40000 25\r\n", proxyproto.ErrMalformed},
		"IPv4 as IPv6":           {"PROXY TCP6 198.51.100.7 203.0.113.1 40000 25\r\n", proxyproto.ErrMalformed},
		"a zone":                 {"PROXY TCP6 fe80::1%eth0 2001:db8::1 40000 25\r\n", proxyproto.ErrMalformed},
		"a name":                 {"PROXY TCP4 localhost 203.0.113.1 40000 25\r\n", proxyproto.ErrMalformed},
		"a negative port":        {"PROXY TCP4 198.51.100.7 203.0.113.1 -1 25\r\n", proxyproto.ErrMalformed},
		"too high a port":        {"PROXY TCP4 198.51.100.7 203.0.113.1 40000 65536\r\n", proxyproto.ErrMalformed},
		"a port with a zero":     {"PROXY TCP4 198.51.100.7 203.0.113.1 040000 25\r\n", proxyproto.ErrMalformed},
		"no port":                {"PROXY TCP4 198.51.100.7 203.0.113.1 40000\r\n", proxyproto.ErrMalformed},
		"one field more":         {"PROXY TCP4 198.51.100.7 203.0.113.1 40000 25 \r\n", proxyproto.ErrMalformed},
		"two spaces":             {"PROXY  TCP4 198.51.100.7 203.0.113.1 40000 25\r\n", proxyproto.ErrMalformed},
		"a bare LF":              {"PROXY TCP4 198.51.100.7 203.0.113.1 40000 25\nEHLO\r\n", proxyproto.ErrMalformed},
		"a line without an end":  {"PROXY UNKNOWN" + strings.Repeat(" x", 1000), proxyproto.ErrMalformed},
		"a line a byte too long": {"PROXY UNKNOWN" + strings.Repeat(" x", 46) + "x\r\n", proxyproto.ErrMalformed},
		"version 3":              {v2(0x31, 0x11, v4Ends), proxyproto.ErrMalformed},
		"an unheard command":     {v2(0x22, 0x11, v4Ends), proxyproto.ErrMalformed},
		"an unheard v2 family":   {v2(0x21, 0x41, v4Ends), proxyproto.ErrMalformed},
		"UDP":                    {v2(0x21, 0x12, v4Ends), proxyproto.ErrMalformed},
		"UDP over IPv6":          {v2(0x21, 0x22, v6Ends), proxyproto.ErrMalformed},
		"Unix datagrams":         {v2(0x21, 0x32, unixEnds), proxyproto.ErrMalformed},
		"no address":             {v2(0x21, 0x00, ""), proxyproto.ErrMalformed},
		"half an address":        {v2(0x21, 0x11, v4Ends[:11]), proxyproto.ErrMalformed},
		"IPv6 in too few bytes":  {v2(0x21, 0x21, v4Ends), proxyproto.ErrMalformed},
		"a byte too long":        {v2(0x21, 0x11, v4Ends+"\x04\x0f\xf2"+strings.Repeat("x", 4096-14)), proxyproto.ErrMalformed},
		"as long as can be":      {v2(0x21, 0x11, v4Ends+strings.Repeat("x", 65535-12)), proxyproto.ErrMalformed},
		"local, too long":        {v2(0x20, 0x00, strings.Repeat("x", 4097)), proxyproto.ErrMalformed},
		"a wrong checksum":       {string(badSum), proxyproto.ErrMalformed},
		"a short checksum":       {v2(0x21, 0x11, v4Ends+"\x03\x00\x03xxx"), proxyproto.ErrMalformed},
		"a TLV cut off":          {v2(0x21, 0x11, v4Ends+"\x02\x00\x05test"), proxyproto.ErrMalformed},
		"a TLV without length":   {v2(0x21, 0x11, v4Ends+"\x02\x00"), proxyproto.ErrMalformed},
	} {
		for cut, pieces := range protocoltest.Cuts(c.input) {
			t.Run(name+"/"+cut, func(t *testing.T) {
				s := &session{}
				tr := connect(trusting, s)
				for _, p := range pieces {
					tr.Receive(p)
				}
				assert.ErrorIs(t, tr.Lost(), c.want)
				assert.Empty(t, s.built)
				assert.Empty(t, tr.Take())
				assert.Zero(t, tr.Timers())
			})
		}
	}
}

// Whoever ends his side within a header has sent none; whoever says nothing at all
// may go as he came.
func TestEndOfStreamBeforeTheHeader(t *testing.T) {
	for _, head := range []string{"PROXY TCP4 198.51.100.7 203.0.113.1 40000 25\r\n", v2(0x21, 0x11, v4Ends)} {
		for n := 1; n < len(head); n++ {
			s := &session{}
			tr := connect(trusting, s)
			tr.Receive(head[:n])
			assert.NoError(t, tr.Lost())
			tr.EOF()
			assert.ErrorIs(t, tr.Lost(), proxyproto.ErrTruncated)
			assert.ErrorIs(t, tr.Lost(), io.ErrUnexpectedEOF)
			assert.Empty(t, s.built)
		}
	}
	tr := connect(trusting, &session{})
	tr.EOF()
	assert.Equal(t, protocol.ErrConnectionDone, tr.Lost())
}

// The header has to be there in time, whole.
func TestHeaderHasItsTime(t *testing.T) {
	for _, said := range []string{"", "P", "PROXY UNKNOWN\r", v2(0x21, 0x11, v4Ends)[:27]} {
		s := &session{}
		tr := connect(trusting, s)
		tr.Receive(said)
		tr.Advance(5*time.Second - 1)
		assert.NoError(t, tr.Lost())
		tr.Advance(1)
		assert.ErrorIs(t, tr.Lost(), proxyproto.ErrTimeout)
		assert.Empty(t, s.built)
	}
	tr := connect(trusting, &session{})
	tr.Receive("PROXY UNKNOWN\r\n")
	tr.Advance(time.Hour)
	assert.NoError(t, tr.Lost(), "it was")

	patient := trusting
	patient.Timeout = time.Minute
	tr = connect(patient, &session{})
	tr.Advance(time.Minute - 1)
	assert.NoError(t, tr.Lost())
	patient.Timeout = -1
	tr = connect(patient, &session{})
	assert.Zero(t, tr.Timers())
}

// Nobody is believed whom the Config does not name. He is refused, or is served as
// what he is.
func TestOnlyTrustedPeersAreBelieved(t *testing.T) {
	tcp := func(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
	both := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}
	for name, c := range map[string]struct {
		config proxyproto.Config
		peer   net.Addr
		want   bool
	}{
		"nobody":                  {proxyproto.Config{}, tcp("10.1.2.3:1"), false},
		"IPv4":                    {proxyproto.Config{Trusted: both}, tcp("10.1.2.3:1"), true},
		"IPv4 as IPv6":            {proxyproto.Config{Trusted: both}, tcp("[::ffff:10.1.2.3]:1"), true},
		"another IPv4":            {proxyproto.Config{Trusted: both}, tcp("10.2.2.3:1"), false},
		"IPv6":                    {proxyproto.Config{Trusted: both}, tcp("[2001:db8::7]:1"), true},
		"IPv6 with a zone":        {proxyproto.Config{Trusted: []netip.Prefix{netip.MustParsePrefix("fe80::/10")}}, tcp("[fe80::7%eth0]:1"), true},
		"another IPv6":            {proxyproto.Config{Trusted: both}, tcp("[2001:db9::7]:1"), false},
		"Unix, not asked for":     {proxyproto.Config{Trusted: both}, &net.UnixAddr{Net: "unix"}, false},
		"Unix":                    {proxyproto.Config{TrustUnix: true}, &net.UnixAddr{Net: "unix"}, true},
		"TCP where Unix is":       {proxyproto.Config{TrustUnix: true}, tcp("10.1.2.3:1"), false},
		"IPv6 where all IPv4 are": {proxyproto.Config{Trusted: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}, tcp("[2001:db8::7]:1"), false},
		"no TCP at all":           {proxyproto.Config{Trusted: both}, &net.IPAddr{IP: net.IPv4(10, 1, 2, 3)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &session{}
			p := c.config.Wrap(sessions(s)).BuildProtocol(c.peer)
			assert.Equal(t, c.want, p != nil)
			assert.Empty(t, s.built, "before there is a header")
			c.config.Direct = true
			p = c.config.Wrap(sessions(s)).BuildProtocol(c.peer)
			require.NotNil(t, p)
			assert.Equal(t, !c.want, p == protocol.Protocol(s))
		})
	}
}

// A header of somebody who is not trusted is his input, and says nothing of him.
func TestDirectPeersAreServedAsTheyCome(t *testing.T) {
	s := &session{}
	tr := connect(proxyproto.Config{Direct: true}, s)
	tr.Receive("PROXY TCP4 198.51.100.7 203.0.113.1 40000 25\r\n")
	assert.Equal(t, proxy.String()+" "+ours, s.ends)
	assert.Equal(t, "PROXY TCP4 198.51.100.7 203.0.113.1 40000 25\r\n", s.heard)
}

// The factory inside may refuse whom the header names.
func TestFactoryMayRefuse(t *testing.T) {
	tr := protocoltest.Connect(trusting.Wrap(factory.Func(func(net.Addr) protocol.Protocol { return nil })).BuildProtocol(proxy))
	tr.Receive("PROXY UNKNOWN\r\ninput")
	assert.ErrorIs(t, tr.Lost(), protocol.ErrRefused)
	assert.Zero(t, tr.Timers())
}

// A limit inside counts the clients, whose proxy is one and the same.
func TestLimitInsideCountsClients(t *testing.T) {
	limit := factory.Limit{PerPeer: 1}
	f := trusting.Wrap(limit.Around(factory.Each(func() protocol.Protocol { return &session{} })))
	come := func(from string) *protocoltest.Transport {
		tr := protocoltest.Connect(f.BuildProtocol(proxy))
		tr.Receive("PROXY TCP4 " + from + " 203.0.113.1 40000 25\r\n")
		return tr
	}
	one, two := come("198.51.100.7"), come("198.51.100.8")
	assert.NoError(t, one.Lost())
	assert.NoError(t, two.Lost())
	assert.ErrorIs(t, come("198.51.100.7").Lost(), protocol.ErrRefused)
	one.Do(one.Abort)
	assert.NoError(t, come("198.51.100.7").Lost())
}
