package smtp_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// spool is a message that was received by m itself, rewound.
func spool(t testing.TB, m *smtp.Maildir, e *smtp.Envelope, text string) smtp.Spool {
	t.Helper()
	s, err := m.Spool(e)
	require.NoError(t, err)
	_, err = io.WriteString(s, text[:len(text)/2])
	require.NoError(t, err)
	_, err = io.WriteString(s, text[len(text)/2:])
	require.NoError(t, err)
	n, err := s.Seek(0, io.SeekStart)
	require.NoError(t, err)
	require.Zero(t, n)
	return s
}

// only is the one file in a folder.
func only(t testing.TB, path ...string) os.FileInfo {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(path...))
	require.NoError(t, err)
	require.Len(t, entries, 1)
	info, err := entries[0].Info()
	require.NoError(t, err)
	return info
}

// What is received in tmp is not written again, and no different from what is.
func TestMaildirShowsWhatItReceived(t *testing.T) {
	m, other := maildir(t), maildir(t)
	e := to("b@our.test", "c@our.test")
	s := spool(t, m, e, "text")
	received := only(t, m.Dir, "tmp")
	again := *e
	require.NoError(t, m.Deliver(&again, s))
	assert.True(t, os.SameFile(received, only(t, m.Dir, "new")))
	require.NoError(t, s.Close())
	assert.Empty(t, files(t, m.Dir, "tmp"))
	require.NoError(t, other.Deliver(e, strings.NewReader("text")))
	assert.Equal(t, files(t, other.Dir, "new"), files(t, m.Dir, "new"))
}

// With several mailboxes only the first is spared.
func TestMaildirReceivesForFirst(t *testing.T) {
	m := byUser(t)
	e := to("b", "c", "b", "d")
	s := spool(t, m, e, "text")
	received := only(t, m.Dir, "b", "tmp")
	require.NoError(t, m.Deliver(e, s))
	require.NoError(t, s.Close())
	assert.True(t, os.SameFile(received, only(t, m.Dir, "b", "new")))
	for _, who := range []string{"b", "c", "d"} {
		assert.Empty(t, files(t, m.Dir, who, "tmp"))
		got := files(t, m.Dir, who, "new")
		require.Len(t, got, 1)
		assert.True(t, strings.HasSuffix(got[0], "\r\ntext"))
		assert.Equal(t, 1, strings.Count(got[0], "Delivered-To: "+who+"\r\n"))
		assert.Equal(t, 1, strings.Count(got[0], "Delivered-To: "))
	}
}

// A message that is not delivered leaves nothing.
func TestMaildirForgetsWhatIsNotDelivered(t *testing.T) {
	m := maildir(t)
	s := spool(t, m, envelope(), "half a messa")
	only(t, m.Dir, "tmp")
	require.NoError(t, s.Close())
	assert.Empty(t, files(t, m.Dir, "tmp"))
	assert.Empty(t, files(t, m.Dir, "new"))
}

// Nor does one that could not be, and it can be read for others afterwards.
func TestMaildirForgetsWhatFails(t *testing.T) {
	m := byUser(t)
	s := spool(t, m, to("b"), "text")
	require.NoError(t, os.Remove(filepath.Join(m.Dir, "b", "new")))
	require.NoError(t, os.WriteFile(filepath.Join(m.Dir, "b", "new"), nil, 0o600))
	assert.Error(t, m.Deliver(to("b"), s))
	require.NoError(t, m.Deliver(to("c"), s))
	require.NoError(t, s.Close())
	assert.Empty(t, files(t, m.Dir, "b", "tmp"))
	assert.Len(t, files(t, m.Dir, "c", "new"), 1)
}

// Who reads and seeks sees the message, and not what stands before it.
func TestMaildirSpoolIsTheMessage(t *testing.T) {
	text := strings.Repeat("0123456789", 1000)
	s := spool(t, maildir(t), envelope(), text)
	defer s.Close()
	require.NoError(t, iotest.TestReader(s, []byte(text)))
	n, err := s.Seek(-3, io.SeekEnd)
	require.NoError(t, err)
	assert.EqualValues(t, len(text)-3, n)
	for whence, offset := range map[int]int64{io.SeekStart: -1, io.SeekCurrent: -10_001, io.SeekEnd: -10_001} {
		_, err := s.Seek(offset, whence)
		assert.Error(t, err)
		at, err := s.Seek(0, io.SeekCurrent)
		require.NoError(t, err)
		var b [1]byte
		_, err = s.Read(b[:])
		require.NoError(t, err)
		assert.Equal(t, text[at], b[0])
	}
}

// Another envelope, another mailbox, another Maildir: another file.
func TestMaildirChecksWhatItReceived(t *testing.T) {
	m, other := byUser(t), byUser(t)
	for _, e := range []*smtp.Envelope{to("b"), to("b", "b"), to("c"), to("B")} {
		e.ID = "other"
		s := spool(t, m, to("b"), "text")
		received := only(t, m.Dir, "b", "tmp")
		require.NoError(t, m.Deliver(e, s))
		require.NoError(t, other.Deliver(to("b"), s))
		require.NoError(t, s.Close())
		box := filepath.Join(m.Dir, strings.ToLower(e.To[0].Address))
		assert.False(t, os.SameFile(received, only(t, box, "new")))
		assert.Contains(t, files(t, box, "new")[0], "id other")
		require.NoError(t, os.RemoveAll(m.Dir))
		assert.Empty(t, files(t, other.Dir, "b", "tmp"))
		m = byUser(t)
	}
}

// Through Local a large message is written once for SMTP, and once for each over
// LMTP.
func TestMaildirReceivesForLocal(t *testing.T) {
	for _, lmtp := range []bool{false, true} {
		m := byUser(t)
		p := &smtp.Peer{LMTP: lmtp, ESMTP: true}
		s := session(t, &smtp.Local{Delivery: m}, p)
		require.NoError(t, s.Mail("a@other.test", nil))
		for _, who := range []string{"b@our.test", "c@our.test", "b@our.test"} {
			require.NoError(t, s.Rcpt(who, nil))
		}
		f, err := s.(smtp.Spooler).Spool()
		require.NoError(t, err)
		_, err = io.WriteString(f, "text")
		require.NoError(t, err)
		received := only(t, m.Dir, "b@our.test", "tmp")
		if lmtp {
			var got statuses
			require.NoError(t, s.(smtp.LMTPSession).LMTPData(f, &got))
			assert.Len(t, got.said, 3)
		} else {
			require.Equal(t, "250 2.0.0", code(s.Data(f)))
		}
		require.NoError(t, f.Close())
		assert.True(t, os.SameFile(received, only(t, m.Dir, "b@our.test", "new")))
		for _, who := range []string{"b@our.test", "c@our.test"} {
			assert.Len(t, files(t, m.Dir, who, "new"), 1)
			assert.Empty(t, files(t, m.Dir, who, "tmp"))
		}
	}
}
