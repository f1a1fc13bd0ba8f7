package factory_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

// A lender answers with n bytes of a file, between what it writes itself.
type lender struct {
	protocol.Base
	t       *testing.T
	file    *os.File
	off, n  int64
	learned error
}

func (l *lender) DataReceived([]byte) {
	s, ok := protocol.As[protocol.FileSender](l.Transport)
	assert.True(l.t, ok)
	l.Write([]byte("("))
	s.SendFile(l.file, l.off, l.n, func(_ int64, err error) { l.learned = err })
	l.Write([]byte(")"))
	l.LoseConnection()
}

func lending(l lender) factory.Factory {
	return factory.Each(func() protocol.Protocol { one := l; return &one })
}

// Who is watched sends files in order with what he writes.
func TestTapsKeepFilesInOrder(t *testing.T) {
	content := strings.Repeat("0123456789", 300_000)
	f := lending(lender{t: t, file: hosttest.File(t, []byte(content)), n: -1})
	quiet := slog.New(slog.DiscardHandler)
	for name, around := range map[string]func(factory.Factory) factory.Factory{
		"TrafficLog": (&factory.TrafficLog{Logger: quiet}).Around,
		"Recording":  on(&tape{}).Around,
	} {
		tr := protocoltest.Connect(around(f).BuildProtocol(nil))
		tr.Receive("go")
		assert.True(t, "("+content+")" == tr.Take(), name)
		assert.Equal(t, protocol.ErrConnectionDone, tr.Lost(), name)
	}
}

// A log has the names of files, and what became of them.
func TestTrafficLogNamesFiles(t *testing.T) {
	for _, c := range []struct {
		n    int64
		want string
	}{
		{-1, `
			msg="sending a file" name=FILE from=1
			msg=sent n=1 data=")"
			msg=closing
			msg="sent a file" n=4
			msg="connection lost" reason="connection done"`},
		{2, `
			msg="sending a file" name=FILE from=1 n=2
			msg=sent n=1 data=")"
			msg=closing
			msg="sent a file" n=2
			msg="connection lost" reason="connection done"`},
		{9, `
			msg="sending a file" name=FILE from=1 n=9
			msg=sent n=1 data=")"
			msg=closing
			msg="sent a part of a file" n=4 err="sendfile FILE: unexpected EOF"
			msg="connection lost" reason="sendfile FILE: unexpected EOF"`},
	} {
		var b bytes.Buffer
		file := hosttest.File(t, []byte("12345"))
		log := factory.TrafficLog{Logger: timeless(&b, slog.LevelDebug)}
		tr := protocoltest.Connect(log.Around(lending(lender{t: t, file: file, off: 1, n: c.n})).BuildProtocol(nil))
		b.Reset()
		tr.Receive("go")
		want := "msg=received n=2 data=\"go\"\nmsg=sent n=1 data=\"(\"" + strings.ReplaceAll(c.want, "\t", "") + "\n"
		assert.Equal(t, strings.ReplaceAll(want, "FILE", file.Name()), strings.ReplaceAll(b.String(), " conn=1", ""))
	}
}

// A recording has what is in files, as far as it may be recorded.
func TestRecordingReadsFiles(t *testing.T) {
	for _, c := range []struct {
		off, n int64
		size   int
		want   string
	}{
		{0, -1, 0, "C| go\nS| (\nS: one\nS| two\nS| )\nS.\n# connection done\n"},
		{5, 2, 0, "C| go\nS| (\nS| tw\nS| )\nS.\n# connection done\n"},
		{8, 2, 0, "C| go\nS| (\nS| )\nS.\n# sendfile FILE: unexpected EOF\n"},
		{0, -1, 50, "# MaxSize: the rest is not recorded\n"},
	} {
		var b tape
		file := hosttest.File(t, []byte("one\r\ntwo"))
		r := on(&b)
		r.MaxSize = c.size
		tr := protocoltest.Connect(r.Around(lending(lender{t: t, file: file, off: c.off, n: c.n})).BuildProtocol(nil))
		b.Reset()
		tr.Receive("go")
		assert.Equal(t, strings.ReplaceAll(c.want, "FILE", file.Name()), b.String())
	}
}

// A file that cannot be read ends the recording, with a word in the log.
func TestRecordingCannotReadFiles(t *testing.T) {
	var b bytes.Buffer
	file := hosttest.File(t, nil)
	file.Close()
	r := factory.Recording{
		Open:   func(net.Addr) (io.WriteCloser, error) { return &tape{}, nil },
		Logger: timeless(&b, slog.LevelDebug),
	}
	tr := protocoltest.Connect(r.Around(lending(lender{t: t, file: file, n: -1})).BuildProtocol(nil))
	tr.Receive("go")
	assert.ErrorIs(t, tr.Lost(), os.ErrClosed)
	assert.Equal(t, 1, strings.Count(b.String(), "recording a connection failed"), b.String())
}

// On a connection that takes no more nothing is sent, and none is heard of.
func TestTapsHearNoRefusedFiles(t *testing.T) {
	var b bytes.Buffer
	l := &lender{t: t, file: hosttest.File(t, []byte("x"))}
	log := factory.TrafficLog{Logger: timeless(&b, slog.LevelDebug)}
	tr := through(log.Around, l)
	tr.Stall(true)
	tr.Do(l.LoseConnection)
	tr.Do(func() { l.DataReceived(nil) })
	assert.ErrorIs(t, l.learned, net.ErrClosed)
	assert.NotContains(t, b.String(), "file")
}
