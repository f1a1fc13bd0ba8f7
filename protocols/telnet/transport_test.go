package telnet_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/telnet"
	"github.com/torsion-go/torsion/protocoltest"
)

// A pipe notes what is written by reference, and how it was tuned.
type pipe struct {
	protocol.Transport
	shared [][]byte
	inline bool
	err    error
}

func (p *pipe) WriteShared(b []byte) (int, error) {
	p.shared = append(p.shared, b)
	return len(b), p.err
}

func (p *pipe) SetNoDelay(bool) error            { return nil }
func (p *pipe) SetKeepAlive(time.Duration) error { return nil }
func (p *pipe) SetOOBInline(on bool) error       { p.inline = on; return p.err }

// The DM of a Synch stays in the stream, also where the layer is not the first; a
// transport that cannot see to that will do too.
func TestUrgentDataStaysInTheStream(t *testing.T) {
	for _, err := range []error{nil, errors.ErrUnsupported} {
		p := &pipe{Transport: protocoltest.Connect(&transfer{}).Transport, err: err}
		x := &transfer{}
		protocol.Connect(protocol.Stack(&masked{}, telnet.Config{}.New(x)), p)
		assert.True(t, p.inline)
		assert.NotNil(t, x.Transport)
	}
}

// Text without IAC and bare CR goes by reference, other text is encoded.
func TestSharedTextIsNotCopied(t *testing.T) {
	s := &session{}
	tr := protocoltest.Connect(&transfer{})
	p := &pipe{Transport: tr.Transport}
	protocol.Connect(telnet.Config{}.New(line.New(s)), p)
	w, ok := protocol.As[protocol.SharedWriter](s.Conn)
	assert.True(t, ok)
	plain, coded := []byte("hello\r\nGr\u00fc\u00dfe\r\n"), []byte("\xff\rx")
	n, err := w.WriteShared(plain)
	assert.True(t, n == len(plain) && err == nil && &p.shared[0][0] == &plain[0])
	n, err = w.WriteShared(coded)
	assert.True(t, n == len(coded) && err == nil)
	assert.Equal(t, "\xff\xff\r\x00x", string(p.shared[1]))
	assert.Equal(t, "\xff\rx", string(coded))
	p.err = net.ErrClosed
	n, err = w.WriteShared(plain)
	assert.True(t, n == 0 && errors.Is(err, net.ErrClosed))
}

// What a session writes is text, and after the end it is told.
func TestWriteEncodes(t *testing.T) {
	s := &session{}
	tr := protocoltest.Connect(telnet.Config{}.New(line.New(s)))
	tr.Do(func() {
		n, err := s.Write([]byte("a\xff\r"))
		assert.True(t, n == 3 && err == nil)
		s.SendLine("b")
		s.LoseConnection()
		n, err = s.Write([]byte("c"))
		assert.True(t, n == 0 && errors.Is(err, net.ErrClosed))
	})
	assert.Equal(t, "a\xff\xff\r\x00b\r\n", tr.Take())
}

// A masked layer flips the bits of everything on its way, like a cipher.
type masked struct{ protocol.Layer }

func mask(p []byte) []byte {
	q := make([]byte, len(p))
	for i, b := range p {
		q[i] = ^b
	}
	return q
}

func (m *masked) DataReceived(p []byte)             { m.Above.DataReceived(mask(p)) }
func (m *masked) Write(p []byte) (int, error)       { return m.Below.Write(mask(p)) }
func (m *masked) WriteShared(p []byte) (int, error) { return m.Write(p) }

// Over another layer, as inside TLS, telnet does the same, pauses and resumes
// included.
func TestTelnetOverALayer(t *testing.T) {
	for name, pieces := range protocoltest.Cuts("pause\r\n\xff\xfd\x06two\r\x00lose\r\n") {
		s := &session{}
		tr := protocoltest.Connect(protocol.Stack(&masked{}, telnet.Config{}.New(line.New(s))))
		for _, p := range pieces {
			tr.Receive(string(mask([]byte(p))))
		}
		assert.Equal(t, `"pause"`, s.take(), name)
		tr.Do(s.ResumeReading)
		assert.Equal(t, `"two", "lose", lost`, s.take(), name)
		assert.Equal(t, "\xff\xfb\x06", string(mask([]byte(tr.Take()))), name)
	}
}

// sender returns a session that can send a file with that content.
func sender(t *testing.T, c telnet.Config, content string) (s *session, tr *protocoltest.Transport, send func()) {
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	f, err := os.Open(name)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	s = &session{}
	tr = protocoltest.Connect(c.New(line.New(s)))
	files, ok := protocol.As[protocol.FileSender](s.Conn)
	require.True(t, ok)
	return s, tr, func() {
		files.SendFile(f, 0, -1, func(sent int64, err error) {
			assert.NoError(t, err)
			assert.EqualValues(t, len(content), sent)
		})
	}
}

// A file is text like what is written: its IACs are doubled, and its CRs, wherever
// it is cut. What is written and said afterwards follows it, and the close waits.
func TestTelnetEncodesFiles(t *testing.T) {
	const lines = 60_000
	s, tr, send := sender(t, telnet.Config{}, strings.Repeat("a\xffb\rc\r\n", lines))
	tr.Do(func() {
		s.SendLine("\xff")
		telnet.Of(s.Conn).HideInput()
		send()
		s.SendLine("\xff")
		telnet.Of(s.Conn).Command(telnet.GoAhead)
		send()
		w, _ := protocol.As[protocol.SharedWriter](s.Conn)
		w.WriteShared([]byte("\xffz"))
		s.LoseConnection()
	})
	file := strings.Repeat("a\xff\xffb\r\x00c\r\n", lines)
	want := "\xff\xff\r\n\xff\xfb\x01" + file + "\xff\xff\r\n\xff\xf9" + file + "\xff\xffz"
	assert.True(t, want == tr.Take())
	assert.Equal(t, protocol.ErrConnectionDone, tr.Lost())
}

// An agreement to Binary that comes while a file is on its way changes what follows
// our answer, which follows the file.
func TestBinaryBeginsBehindFiles(t *testing.T) {
	file := strings.Repeat("\r\r\n", 100_000)
	s, tr, send := sender(t, telnet.Config{Grant: []telnet.Option{telnet.Binary}}, file)
	tr.Stall(true)
	tr.Do(send)
	tr.Receive("\xff\xfd\x00")
	tr.Do(func() { s.Write([]byte("\ra")) })
	tr.Receive("\xff\xfe\x00")
	tr.Do(func() { s.Write([]byte("\rb")) })
	tr.Stall(false)
	assert.True(t, strings.ReplaceAll(file, "\r\r", "\r\x00\r")+"\xff\xfb\x00\ra\xff\xfc\x00\r\x00b" == tr.Take())
}

// A peer that asks without end while it does not take a file is not read any further.
func TestAnswersBehindFilesAreBounded(t *testing.T) {
	const asked = 10_000
	s, tr, send := sender(t, telnet.Config{}, "file")
	tr.Stall(true)
	tr.Do(send)
	tr.Receive(strings.Repeat("\xff\xfd\x05", asked))
	tr.Do(func() { assert.False(t, s.Reading()) })
	tr.Stall(false)
	assert.Equal(t, "file"+strings.Repeat("\xff\xfc\x05", asked), tr.Take())
	tr.Do(func() { assert.True(t, s.Reading()) })
}
