package smtp

import (
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
