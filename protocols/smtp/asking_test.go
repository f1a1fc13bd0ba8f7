package smtp

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

const addressed1 = "HELO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@our.test>\r\n"

// A transaction that is open when the connection ends is given up before Logout, and
// nothing is delivered.
func TestLostInTransaction(t *testing.T) {
	for name, said := range map[string]string{
		"mail":  "MAIL FROM:<a@x>\r\n",
		"rcpt":  "MAIL FROM:<a@x>\r\nRCPT TO:<b@our.test>\r\n",
		"data":  "MAIL FROM:<a@x>\r\nRCPT TO:<b@our.test>\r\nDATA\r\nSubject: half",
		"dot":   "MAIL FROM:<a@x>\r\nRCPT TO:<b@our.test>\r\nDATA\r\nSubject: half\r\n.\r",
		"chunk": "MAIL FROM:<a@x>\r\nRCPT TO:<b@our.test>\r\nBDAT 14 LAST\r\nSubject: half",
	} {
		bothWays(t, func(t *testing.T, c *clerk) {
			for end, f := range map[string]func(*protocoltest.Transport){
				"eof":   (*protocoltest.Transport).EOF,
				"reset": (*protocoltest.Transport).Reset,
				"abort": func(tr *protocoltest.Transport) { tr.Do(tr.Abort) },
			} {
				tr := dial(testServer().New(c))
				tr.Receive("HELO me\r\n" + said)
				f(tr)
				asked := c.asked()
				assert.NotContains(t, asked, "data", "%s %s", name, end)
				assert.True(t, strings.HasSuffix(asked, "\nreset\nlogout"), "%s %s: %q", name, end, asked)
				assert.Zero(t, tr.Timers())
			}
		})
	}
}

// A Session that was made is left once, whatever else happens; none is made before
// EHLO.
func TestLogoutOnce(t *testing.T) {
	bothWays(t, func(t *testing.T, c *clerk) {
		tr := dial(testServer().New(c))
		tr.Receive("NOOP\r\nHELO")
		tr.EOF()
		assert.Empty(t, c.asked())

		tr = dial(testServer().New(c))
		tr.Receive("HELO me\r\nHELO you\r\nRSET\r\nQUIT\r\nHELO again\r\n")
		assert.Equal(t, "hello me\nlogout", c.asked())
		assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
	})
}

// While a Session is asked nothing is read, nothing is asked, and the clock stands
// still; a connection that ends meanwhile is left when the answer is there.
func TestBusy(t *testing.T) {
	for _, lost := range []bool{false, true} {
		c := &clerk{}
		var tr *protocoltest.Transport
		c.data = func(io.Reader) error { // on the test's goroutine, which also is the loop's
			assert.False(t, tr.Reading())
			assert.Equal(t, 0, tr.Timers())
			if lost {
				tr.Loop().Call(func() { // before the answer
					tr.Abort()
					c.note("lost")
				})
			}
			return nil
		}
		tr = dial(testServer().New(c))
		tr.Receive(addressed1 + "DATA\r\n.\r\nMAIL FROM:<c@x>\r\n")
		want := "hello me\nmail a@x\nrcpt b@our.test\ndata \nreset\nmail c@x"
		if lost {
			want = "hello me\nmail a@x\nrcpt b@our.test\ndata \nlost\nreset\nlogout"
		}
		assert.Equal(t, want, c.asked())
		tr.Do(tr.Abort)
	}
}

// A Session is left also if its client goes while a wrong password makes it wait, or
// while it is left for TLS.
func TestLostWhileWaiting(t *testing.T) {
	server, _ := certified(t)
	for _, onLoop := range []bool{true, false} {
		k := &keeper{clerk: clerk{onLoop: onLoop}}
		config := testServer()
		config.AllowInsecureAuth, config.TLS = true, server
		tr := dial(config.New(k))
		tr.Receive("EHLO me\r\nAUTH PLAIN AGV2ZQBi\r\n")
		tr.Reset()
		tr.Advance(loginDelay)
		assert.Equal(t, "hello me\nlogout", k.asked())

		tr = dial(config.New(k))
		k.leaving = func() { tr.Loop().Call(tr.Abort) }
		tr.Receive("EHLO me\r\nSTARTTLS\r\n")
		tr.Do(tr.Abort)
		assert.Equal(t, "hello me\nlogout", k.asked())
		k.leaving = nil
	}
}

// A Session that panics ends its connection. Off the loop the client is told.
func TestPanic(t *testing.T) {
	bothWays(t, func(t *testing.T, c *clerk) {
		tr := dial(testServer().New(c))
		tr.Receive("HELO me\r\n")
		tr.Take()
		tr.Receive("MAIL FROM:<panic@x>\r\nNOOP\r\n")
		if !c.onLoop {
			assert.Equal(t, "421 4.3.0 mx.our.test Internal error, closing connection\r\n", tr.Take())
		}
		assert.True(t, tr.Closed())
		assert.True(t, strings.HasSuffix(c.asked(), "\nlogout"))
	})
}

// A message that has gone around in circles is refused (RFC 5321, section 6.3), however little
// of its header is in memory at once.
func TestLoop(t *testing.T) {
	for _, memory := range []int{0, 1} {
		config := spooling(t)
		config.MaxMemory = memory
		for hops, want := range map[int]string{100: "250 2.0.0 Ok\r\n", 101: "554 5.4.6 Too many hops\r\n"} {
			text := "Subject: x\r\n" + strings.Repeat("RECEIVED: from a\r\n by b\r\nRe\r\n", hops) + "\r\nReceived: body\r\n.\r\n"
			for cut, pieces := range protocoltest.Cuts(text) {
				tr := dial(config.New(&clerk{onLoop: true}))
				tr.Receive(addressed1 + "DATA\r\n")
				tr.Take()
				for _, p := range pieces {
					tr.Receive(p)
				}
				assert.Equal(t, want, tr.Take(), cut)
				tr.Do(tr.Abort)
			}
		}
	}
}

// A client that sends commands and reads nothing costs no more than the high-water mark.
func TestNeverReads(t *testing.T) {
	bothWays(t, func(t *testing.T, c *clerk) {
		tr := dial(testServer().New(c))
		tr.Stall(true)
		for range 100 {
			tr.Receive(strings.Repeat("NOOP\r\n", 10000))
		}
		tr.Do(func() { assert.Less(t, tr.Buffered(), 300<<10) })
		tr.Do(tr.Abort)
	})
}

// Who comes above a limit is told so.
func TestOverflow(t *testing.T) {
	limit := &factory.Limit{Total: 1, Overflow: testServer().Busy()}
	f := limit.Around(testServer().New(&clerk{}))
	first, second := dial(f), dial(f)
	assert.Equal(t, "220 mx.our.test ESMTP Torsion\r\n", first.Take())
	assert.Equal(t, "421 4.3.2 mx.our.test Too many connections, try again later\r\n", second.Take())
	assert.True(t, second.Closed())
	first.Do(first.Abort)
}

// Whom a Session talks to is known to it.
func TestPeer(t *testing.T) {
	var got []*Peer
	f := testServer().New(BackendFunc(func(p *Peer) (Session, error) {
		got = append(got, p)
		return nil, errors.New("no")
	}))
	tr := dial(f)
	assert.Contains(t, say(tr, "EHLO [192.0.2.9]"), "\r\n451 4.3.0 ")
	require.Len(t, got, 1)
	assert.Equal(t, "[192.0.2.9]", got[0].Hostname)
	assert.Equal(t, "mx.our.test", got[0].Server)
	assert.True(t, got[0].ESMTP)
	assert.Nil(t, got[0].TLS)
	_, ok := got[0].Remote.(*net.TCPAddr)
	assert.True(t, ok)
	assert.True(t, tr.Closed())
}

// Whatever a client sends, the whole and its single bytes are answered the same, and
// deliver the same.
func FuzzSession(f *testing.F) {
	for _, s := range []string{
		"EHLO x\r\nAUTH PLAIN AGEAYg==\r\n", addressed1 + "DATA\r\n.\r\n", addressed1 + "BDAT 3\r\nabcBDAT 1 LAST\r\n\n", addressed1 + "DATA\r\na\nb\r\n.\r\nQUIT\r\n",
		"MAIL FROM:<\"a\\\"\"@[IPv6:::1]> SIZE=12 BODY=8BITMIME SMTPUTF8\r\n", "BDAT 5 LAST\r\nQUIT\nBDAT -1\r\n", "NOOP\x00\r\nSTARTTLS\r\nRSET\r\nHELP\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		run := func(onLoop bool, pieces ...string) (string, string) {
			c := &clerk{onLoop: onLoop}
			config := testServer()
			config.MaxMemory = 10
			tr := dial(config.New(c))
			for _, p := range pieces {
				tr.Receive(p)
			}
			tr.EOF()
			out := tr.Take()
			tr.Do(tr.Abort)
			assert.Zero(t, tr.Timers())
			return out, c.asked()
		}
		out, asked := run(true, in)
		out1, asked1 := run(true, strings.Split(in, "")...)
		out2, asked2 := run(false, in)
		assert.Equal(t, out, out1)
		assert.Equal(t, asked, asked1)
		assert.Equal(t, out, out2)
		assert.Equal(t, asked, asked2)
	})
}
