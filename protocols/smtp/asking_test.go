package smtp

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
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

// A spooler keeps large messages in files of its own.
type spooler struct {
	*clerk
	file     *tracked
	openErr  error
	writeErr error
}

type tracked struct {
	*os.File
	err    error
	closed int
	clerk  *clerk
}

func (f *tracked) Write(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.File.Write(p)
}

func (f *tracked) Close() error {
	f.closed++
	f.clerk.note("close")
	return f.File.Close()
}

func (s *spooler) NewSession(p *Peer) (Session, error) {
	s.clerk.NewSession(p)
	return s, nil
}

func (s *spooler) Spool() (Spool, error) {
	s.note("spool")
	if s.openErr != nil {
		return nil, s.openErr
	}
	f, err := os.CreateTemp("", "smtp-test-")
	if err == nil {
		os.Remove(f.Name())
	}
	s.file = &tracked{File: f, err: s.writeErr, clerk: s.clerk}
	return s.file, err
}

func spooling(t *testing.T) Config {
	c := testServer()
	c.MaxMessageBytes, c.MaxMemory = 1<<20, 1000
	t.Setenv("TMPDIR", t.TempDir())
	return c
}

// What is above MaxMemory goes to a file, is read from its beginning, and the file is
// closed once, before Reset: after the message was taken, refused, given up or cut off.
func TestSpool(t *testing.T) {
	config := spooling(t)
	text := strings.Repeat("A line of a message.\r\n", 500)
	bothWays(t, func(t *testing.T, c *clerk) {
		for end, want := range map[string]string{
			".\r\n":               "spool\ndata " + text + "\nclose\nreset",
			"a\nb\r\n.\r\n":       "spool\nclose\nreset\nlogout",
			"cut":                 "spool\nclose\nreset\nlogout",
			text + text + ".\r\n": "spool\ndata " + text + text + text + "\nclose\nreset",
		} {
			s := &spooler{clerk: c}
			tr := dial(config.New(s))
			for data := addressed1 + "DATA\r\n" + text + end; data != ""; {
				n := min(len(data), 777)
				tr.Receive(data[:n])
				data = data[n:]
			}
			if end == "cut" {
				tr.Reset()
			}
			asked := strings.TrimPrefix(c.asked(), "hello me\nmail a@x\nrcpt b@our.test\n")
			assert.Equal(t, len(want), len(asked))
			assert.True(t, want == asked, "%.60q", end)
			require.NotNil(t, s.file)
			assert.Equal(t, 1, s.file.closed, "%.60q", end)
			tr.Do(tr.Abort)
			c.asked()
		}
	})
}

// A file that cannot be made or written has the message refused when it is whole, and
// the session goes on; in BDAT at once.
func TestSpoolFails(t *testing.T) {
	config := spooling(t)
	text := strings.Repeat("A line of a message.\r\n", 100)
	full := &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	bothWays(t, func(t *testing.T, c *clerk) {
		for _, s := range []*spooler{{clerk: c, openErr: full}, {clerk: c, writeErr: full}} {
			tr := dial(config.New(s))
			tr.Receive(addressed1 + "DATA\r\n" + text)
			tr.Take()
			tr.Receive(text + ".\r\nNOOP\r\n")
			assert.Equal(t, "452 4.3.1 Insufficient system storage\r\n250 2.0.0 Ok\r\n", tr.Take())
			tr.Receive("MAIL FROM:<a@x>\r\nRCPT TO:<b@our.test>\r\nBDAT 2200\r\n")
			tr.Take()
			tr.Receive(text + "BDAT 4 LAST\r\nQUIT")
			assert.Equal(t, "452 4.3.1 Insufficient system storage\r\n503 5.5.1 Bad sequence of commands\r\n", tr.Take())
			assert.NotContains(t, c.asked(), "data")
			if s.file != nil {
				assert.Equal(t, 1, s.file.closed)
			}
			tr.Do(tr.Abort)
			c.asked()
		}
	})
}

// Who says that he closes the connection does.
func TestSpoolSaysGoodbye(t *testing.T) {
	config := spooling(t)
	text := strings.Repeat("A line of a message.\r\n", 100)
	bye := &SMTPError{Code: 421, EnhancedCode: EnhancedCode{4, 3, 2}, Message: "Bye"}
	for _, message := range []string{"DATA\r\n" + text + ".\r\n", "BDAT 2200 LAST\r\n" + text, "BDAT 2200\r\n" + text} {
		bothWays(t, func(t *testing.T, c *clerk) {
			tr := dial(config.New(&spooler{clerk: c, openErr: bye}))
			for data := addressed1 + message + "NOOP\r\n"; data != ""; {
				n := min(len(data), 777)
				tr.Receive(data[:n])
				data = data[n:]
			}
			said := tr.Take()
			assert.True(t, strings.HasSuffix(said, "\r\n421 4.3.2 Bye\r\n"), said)
			assert.True(t, tr.Closed())
			asked := c.asked()
			assert.NotContains(t, asked, "data")
			assert.True(t, strings.HasSuffix(asked, "\nreset\nlogout"), asked)
		})
	}
}

// Sessions that are no Spoolers have files without names, which leave nothing behind.
func TestNamelessSpool(t *testing.T) {
	config := spooling(t)
	text := strings.Repeat("A line of a message.\r\n", 100)
	bothWays(t, func(t *testing.T, c *clerk) {
		c.data = func(r io.Reader) error {
			left, err := os.ReadDir(os.TempDir())
			assert.NoError(t, err)
			assert.Empty(t, left)
			return nil
		}
		tr := dial(config.New(c))
		tr.Receive(addressed1 + "DATA\r\n" + text)
		tr.Receive(".\r\n")
		assert.Contains(t, c.asked(), "data "+text)
		tr.Do(tr.Abort)
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

// A file that takes less than it is given, and says nothing, has no message of ours.
func TestSpoolTakesHalf(t *testing.T) {
	config := spooling(t)
	config.MaxMemory = 1
	bothWays(t, func(t *testing.T, c *clerk) {
		tr := dial(config.New(&halving{c}))
		tr.Receive(addressed1 + "DATA\r\nhello\r\n")
		tr.Take()
		tr.Receive(".\r\n")
		assert.Equal(t, "451 4.3.0 Local error in processing, try again later\r\n", tr.Take())
		assert.NotContains(t, c.asked(), "data")
		tr.Do(tr.Abort)
	})
}

type halving struct{ *clerk }

func (h *halving) NewSession(*Peer) (Session, error) { return h, nil }

func (h *halving) Spool() (Spool, error) {
	spool, err := tempSpool()
	return halfSpool{spool}, err
}

type halfSpool struct{ Spool }

func (h halfSpool) Write(p []byte) (int, error) { return h.Spool.Write(p[:len(p)/2]) }

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
