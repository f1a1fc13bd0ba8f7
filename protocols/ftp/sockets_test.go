//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package ftp

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Files go both ways over TLS, and sessions are resumed.
func TestDataOverTLS(t *testing.T) {
	c := securely(t, func(c *Config) { c.RequireReuse = true })
	d := tls.Client(c.data(), c.config)
	c.says("RETR a", "150 ")
	c.reads(d, greetings)
	assert.True(t, d.ConnectionState().DidResume)

	d = tls.Client(c.data(), c.config)
	require.NoError(t, c.handshakeBefore(d, "STOR b"))
	_, err := d.Write([]byte("bye"))
	assert.NoError(t, err)
	d.Close()
	c.hears("226 ")
	text, _ := c.files.get("/b")
	assert.Equal(t, "bye", text)
}

// An upload whose client never reads anything loses nothing: no ticket is there that it
// does not read.
func TestUploadOverTLSNobodyReads(t *testing.T) {
	c := securely(t, nil)
	text := strings.Repeat("0123456789abcdef", 100_000)
	for i := range 20 {
		d := tls.Client(c.data(), c.config)
		require.NoError(t, c.handshakeBefore(d, fmt.Sprint("STOR f", i)))
		_, err := d.Write([]byte(text))
		require.NoError(t, err)
		d.Close() // at once, and with what has come unread
		c.hears("226 ")
		got, _ := c.files.get(fmt.Sprint("/f", i))
		require.True(t, text == got, len(got))
	}
}

// An upload that does not end with close_notify may have been cut, and is not taken,
// unless that is allowed.
func TestTruncatedUpload(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		c := securely(t, func(c *Config) { c.AllowTruncation = allowed })
		raw := c.data()
		d := tls.Client(raw, c.config)
		require.NoError(t, c.handshakeBefore(d, "STOR b"))
		_, err := d.Write([]byte("half"))
		require.NoError(t, err)
		raw.(*net.TCPConn).CloseWrite()
		want := "426 "
		if allowed {
			want = "226 "
		}
		c.hears(want)
		text, there := c.files.get("/b")
		assert.Equal(t, allowed, there)
		if allowed {
			assert.Equal(t, "half", text)
		}
	}
}

// Without a session of the control connection's there is no data connection where that
// is required; in clear there is none either, nor with a handshake that fails.
func TestDataTLSIsRefused(t *testing.T) {
	c := securely(t, func(c *Config) { c.RequireReuse = true })
	fresh := c.config.Clone()
	fresh.ClientSessionCache = nil
	d := tls.Client(c.data(), fresh)
	c.says("RETR a", "150 ")
	d.Handshake()
	c.hears("522 ")

	raw := c.data()
	c.says("RETR a", "150 ")
	_, err := raw.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
	require.NoError(t, err)
	c.hears("425 ")

	c.says("PBSZ x", "501 ")
	c.says("PROT C", "534 ")
	c.says("PROT S", "536 ")
	c.says("AUTH TLS", "503 ")
	c.says("NOOP", "200 ")
}

// ABOR is heard while nothing moves, also as urgent data behind Telnet's Interrupt and
// Synch (RFC 959, section 4.1.3).
func TestUrgentAbort(t *testing.T) {
	for name, urgent := range map[string]bool{"plain": false, "urgent": true} {
		t.Run(name, func(t *testing.T) {
			c := connected(t, nil)
			c.files.put("/a", strings.Repeat("x", 32<<20))
			c.login()
			c.data()
			c.says("RETR a", "150 ")
			if urgent {
				c.urgent("\xff\xf4\xff", "\xf2")
			}
			c.says("ABOR", "426 ")
			c.hears("226 ")
			c.says("NOOP", "200 ")
		})
	}
}

// urgent sends text and then a byte that is urgent.
func (c *tlsClient) urgent(text, last string) {
	raw, err := c.Conn.(*net.TCPConn).SyscallConn()
	require.NoError(c, err)
	require.NoError(c, raw.Write(func(fd uintptr) bool {
		_, err = syscall.SendmsgN(int(fd), []byte(text+last), nil, nil, syscall.MSG_OOB)
		return true
	}))
	require.NoError(c, err)
}

// A download over TLS whose client is cut off has failed at once, also where the end of
// uploads needs no confirmation.
func TestTruncatedDownload(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		c := securely(t, func(c *Config) { c.AllowTruncation = allowed })
		c.files.put("/a", strings.Repeat("x", 32<<20))
		raw := c.data()
		d := tls.Client(raw, c.config)
		require.NoError(t, c.handshakeBefore(d, "RETR a"))
		raw.(*net.TCPConn).CloseWrite()
		_, err := io.CopyN(io.Discard, raw, 1<<20)
		assert.NoError(t, err)
		raw.Close()
		c.hears("426 ")
	}
}

// What came in clear behind AUTH TLS is not obeyed, nor is what waited behind a transfer.
func TestAuthInjection(t *testing.T) {
	for _, transfer := range []bool{false, true} {
		c := connected(t, nil)
		if transfer {
			c.login()
			c.data()
			c.files.put("/a", strings.Repeat("x", 32<<20))
			c.says("RETR a", "150 ")
		}
		_, err := io.WriteString(c.Conn, "AUTH TLS\r\nUSER eve\r\nPASS sesame\r\nABOR\r\n")
		require.NoError(t, err)
		for { // up to the end of the connection
			l, err := c.ReadString('\n')
			if err != nil {
				break
			}
			assert.Contains(t, []string{"234 TLS\r\n", "426 Transfer aborted\r\n", "226 Aborted\r\n"}, l)
		}
	}
}

// A client may begin its handshake before its command or behind 150, and be the one that
// listens; PROT C and P hold for the next data connection.
func TestOrderOfDataTLS(t *testing.T) {
	c := connected(t, nil)
	c.secures()
	early := tls.Client(c.data(), c.config)
	done := make(chan error, 1)
	go func() { done <- early.Handshake() }()
	c.says("RETR a", "150 ")
	require.NoError(t, <-done)
	c.reads(early, greetings)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	c.says(fmt.Sprintf("EPRT |1|127.0.0.1|%d|", l.Addr().(*net.TCPAddr).Port), "200 ")
	c.says("RETR a", "150 ")
	d, err := l.Accept()
	require.NoError(t, err)
	c.reads(tls.Client(d, c.config), greetings)

	c.says("PROT C", "200 ")
	d = c.data()
	c.says("RETR a", "150 ")
	c.reads(d, greetings)
	c.says("PROT P", "200 ")
	d = c.data()
	c.says("RETR a", "150 ")
	c.reads(tls.Client(d, c.config), greetings)
}

// An address of IPv4 that IPv6 carries is one of IPv4.
func TestMappedActiveAddress(t *testing.T) {
	c := connected(t, nil)
	c.login()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	c.says(fmt.Sprintf("EPRT |2|::ffff:127.0.0.1|%d|", l.Addr().(*net.TCPAddr).Port), "200 ")
	c.says("RETR a", "150 ")
	c.hears("226 ")
}

// With RequireReuse the session of somebody else with the same address is not taken; that
// of the client is, over both versions of TLS, and when he comes again.
func TestReuseIsOfTheClient(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		c := connected(t, func(config *Config) {
			config.RequireReuse = true
			config.TLS.MaxVersion = version
		})
		config := c.config
		for range 2 {
			c.secures()
			theirs := config.Clone()
			theirs.ClientSessionCache = tls.NewLRUClientSessionCache(0)
			thief := c.again(theirs)
			thief.secures()
			for _, own := range []bool{true, false, true} {
				d, want := tls.Client(c.data(), theirs), "522 "
				if own {
					d, want = tls.Client(c.data(), config), "226 "
				}
				c.says("RETR a", "150 ")
				_, err := io.Copy(io.Discard, d)
				assert.Equal(t, own, err == nil)
				assert.Equal(t, own, d.ConnectionState().DidResume)
				c.hears(want)
			}
			c = c.again(config)
		}
	}
}

// What a client has sent and closed before its command is an upload, of nothing too; what
// it has reset is none.
func TestUploadBeforeCommand(t *testing.T) {
	c := connected(t, nil)
	c.login()
	for name, text := range map[string]string{"empty": "", "early": "bye"} {
		d := c.data()
		_, err := io.WriteString(d, text)
		require.NoError(t, err)
		d.Close()
		c.says("STOR "+name, "150 ")
		c.hears("226 ")
		got, ok := c.files.get("/" + name)
		assert.True(t, ok)
		assert.Equal(t, text, got)
	}
	d := c.data()
	_, err := io.WriteString(d, "half")
	require.NoError(t, err)
	require.NoError(t, d.(*net.TCPConn).SetLinger(0))
	d.Close()
	_, err = io.WriteString(c.Conn, "STOR reset\r\n")
	require.NoError(t, err)
	l := c.hears("")
	for strings.HasPrefix(l, "1") {
		l = c.hears("")
	}
	assert.Contains(t, "425 426", l[:3])
	_, ok := c.files.get("/reset")
	assert.False(t, ok)
	c.says("NOOP", "200 ")
}

// TLS may be there from the start, as on port 990; data connections are secured as ever.
func TestImplicitTLS(t *testing.T) {
	c := connected(t, func(c *Config) { c.ImplicitTLS, c.RequireTLS, c.RequireReuse = true, true, true })
	c.says("AUTH TLS", "503 ")
	c.login()
	c.data()
	c.says("RETR a", "521 ")
	c.says("PBSZ 0", "200 ")
	c.says("PROT P", "200 ")
	d := tls.Client(c.data(), c.config)
	c.says("RETR a", "150 ")
	c.reads(d, greetings)
}

// Who says AUTH SSL knows no PROT: his data connections are encrypted (RFC 4217 has no such
// word, old clients do).
func TestAuthSSL(t *testing.T) {
	c := connected(t, nil)
	c.says("AUTH SSL", "234 ")
	over := tls.Client(c.Conn, c.config)
	require.NoError(t, over.Handshake())
	c.Conn, c.Reader = over, bufio.NewReader(over)
	c.login()
	d := tls.Client(c.data(), c.config)
	c.says("RETR a", "150 ")
	c.reads(d, greetings)
}

// A client that looks for the reply only when it has sent all it has finds it there, in
// clear and over TLS.
func TestRefusedUploadsAreHeard(t *testing.T) {
	for _, private := range []bool{false, true} {
		c := connected(t, nil)
		c.files.fails("write", ErrQuota)
		if c.login(); private {
			c.secures()
		}
		d := c.data()
		c.says("STOR b", "150 ")
		if private {
			d = tls.Client(d, c.config)
		}
		_, err := d.Write(make([]byte, 32<<20))
		assert.NoError(t, err)
		assert.NoError(t, d.Close())
		c.hears("552 ")
	}
}
