package smtp_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocols/smtp"
)

// checked is a message that says what it is, and whether it is whole.
func checked(id int) string {
	body := strings.Repeat(fmt.Sprint(id, "\r\n"), 1+id*7%5000)
	return fmt.Sprintf("Id: %d\r\nSum: %x\r\n\r\n%s", id, sha256.Sum256([]byte(body)), body)
}

// identify returns the id of a file that must be whole.
func identify(t *testing.T, file string) (id int) {
	t.Helper()
	i := strings.Index(file, "Id: ")
	require.Positive(t, i, "%q", file)
	_, err := fmt.Sscanf(file[i:], "Id: %d", &id)
	require.NoError(t, err)
	require.True(t, file[i:] == checked(id), "message %d is not whole", id)
	return id
}

// deliverAll is the child: it says which messages are safe, until it is killed.
func deliverAll(t *testing.T, m *smtp.Maildir) {
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for id := g; id < 100_000; id += 4 {
				if assert.NoError(t, deliverOne(t, m, id)) {
					hosttest.Safe(id)
				}
			}
		})
	}
	all.Wait()
}

// deliverOne has half of the messages received by the Maildir itself.
func deliverOne(t *testing.T, m *smtp.Maildir, id int) error {
	if id%8 < 4 {
		return m.Deliver(envelope(), strings.NewReader(checked(id)))
	}
	s := spool(t, m, envelope(), checked(id))
	defer s.Close()
	return m.Deliver(envelope(), s)
}

// What was said to be safe is in new after the process has been killed, at whatever
// moment, and all that is in new is whole.
func TestMaildirSurvivesKill(t *testing.T) {
	if dir := hosttest.Told(); dir != "" {
		deliverAll(t, &smtp.Maildir{Dir: dir})
		return
	}
	m := maildir(t)
	safe := hosttest.UntilKilled(t, hosttest.Child(t, m.Dir), 900)
	for _, file := range files(t, m.Dir, "new") {
		delete(safe, identify(t, file))
	}
	assert.Empty(t, safe)
}

// fillUp delivers until the disk is full, and returns how many messages were taken.
// Then it receives until there is room for none, and delivers none.
func fillUp(t *testing.T, m *smtp.Maildir, e *smtp.Envelope, size int) (taken int) {
	t.Helper()
	text := strings.Repeat("x", size)
	for m.Deliver(e, strings.NewReader(text)) == nil {
		taken++
	}
	var err error
	for err == nil {
		var s smtp.Spool
		if s, err = m.Spool(e); err == nil {
			defer s.Close()
			_, err = io.WriteString(s, text)
		}
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorIs(t, m.Deliver(e, strings.NewReader(text)), syscall.ENOSPC)
	return taken
}

// A full disk loses nothing and leaves nothing, and is used again when it has room:
// out of bytes, and out of files.
func TestMaildirFullDisk(t *testing.T) {
	for options, size := range map[string]int{"size=1m": 50_000, "size=4m,nr_inodes=20": 10} {
		m := &smtp.Maildir{Dir: filepath.Join(hosttest.SmallDisk(t, options), "mail")}
		m.Mailbox = func(r smtp.Recipient) string { return r.Address }
		require.NoError(t, m.Deliver(to("b", "c"), strings.NewReader("first")))
		taken := fillUp(t, m, to("b", "c"), size)
		assert.Positive(t, taken)
		for _, who := range []string{"b", "c"} {
			assert.Equal(t, taken+1, len(files(t, m.Dir, who, "new")))
			assert.Empty(t, files(t, m.Dir, who, "tmp"))
		}
		for i, name := range folders(t, filepath.Join(m.Dir, "b", "new")) {
			if i < 3 {
				require.NoError(t, os.Remove(filepath.Join(m.Dir, "b", "new", name)))
			}
		}
		assert.NoError(t, m.Deliver(to("b", "c"), strings.NewReader("again")))
	}
}

// A file that may not grow so far is refused like a full disk.
func TestMaildirFileSizeLimit(t *testing.T) {
	if dir := hosttest.Told(); dir != "" {
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 20_000, Max: 20_000}))
		m := &smtp.Maildir{Dir: dir}
		require.NoError(t, m.Deliver(envelope(), strings.NewReader("before")))
		large := strings.Repeat("x", 30_000)
		require.ErrorIs(t, m.Deliver(envelope(), strings.NewReader(large)), syscall.EFBIG)
		s, err := m.Spool(envelope())
		require.NoError(t, err)
		_, err = io.WriteString(s, large)
		require.ErrorIs(t, err, syscall.EFBIG)
		require.NoError(t, s.Close())
		require.NoError(t, m.Deliver(envelope(), strings.NewReader("after")))
		return
	}
	m := maildir(t)
	out, err := hosttest.Child(t, m.Dir).Output()
	require.NoError(t, err, "%s", out)
	assert.Len(t, files(t, m.Dir, "new"), 2)
	assert.Empty(t, files(t, m.Dir, "tmp"))
}

// Whatever happens, no descriptor is left over.
func TestMaildirClosesFiles(t *testing.T) {
	m := byUser(t)
	require.NoError(t, m.Deliver(to("b", "c"), strings.NewReader("x")))
	require.NoError(t, os.WriteFile(filepath.Join(m.Dir, "file"), nil, 0o600))
	before := hosttest.Descriptors(t)
	for range 20 {
		assert.NoError(t, m.Deliver(to("b", "c"), strings.NewReader("x")))
		assert.Error(t, m.Deliver(to("b", "file"), strings.NewReader("x")))
		assert.ErrorIs(t, m.Deliver(to("b"), failing{strings.NewReader("x")}), errFailing)
		s := spool(t, m, to("b"), "text")
		assert.NoError(t, m.Deliver(to("b", "c"), s))
		assert.NoError(t, s.Close())
		assert.NoError(t, spool(t, m, to("b"), "text").Close())
		_, err := m.Spool(to("file"))
		assert.Error(t, err)
		_, err = (&smtp.Maildir{}).Spool(to("b"))
		assert.EqualError(t, err, "smtp: a Maildir needs a Dir")
	}
	assert.Equal(t, before, hosttest.Descriptors(t))
}

// The client of a full disk is told to try again: small messages, and large ones that
// do not come to their end.
func TestServeFullDisk(t *testing.T) {
	m := &smtp.Maildir{Dir: filepath.Join(hosttest.SmallDisk(t, "size=1m"), "mail")}
	for _, lines := range []int{1000, 100_000} {
		for last := "250"; strings.HasPrefix(last, "250"); {
			_, last = talk(smtp.Config{}, &smtp.Local{Delivery: m},
				"EHLO me\nMAIL FROM:<>\nRCPT TO:<b@our.test>\nDATA\n"+strings.Repeat("a line of text\n", lines)+".\n")
			if !strings.HasPrefix(last, "250") {
				assert.Equal(t, "452 4.3.1 Insufficient system storage", last)
			}
		}
		assert.Empty(t, files(t, m.Dir, "tmp"))
	}
	for _, file := range files(t, m.Dir, "new") {
		assert.Equal(t, 1000, strings.Count(file, "a line of text\r\n"))
	}
}
