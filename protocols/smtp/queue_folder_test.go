package smtp_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocol"
)

// Whatever lies in the folder, a Queue starts, and sends what it can read.
func TestQueueStartsAmongJunk(t *testing.T) {
	long := strings.Repeat("x", 250)
	for name, put := range map[string]func(in func(string) string) error{
		"a folder in mail":       func(in func(string) string) error { return os.MkdirAll(in("mail/A.env/b"), 0o700) },
		"a folder for a text":    func(in func(string) string) error { return os.MkdirAll(in("mail/A.eml/b"), 0o700) },
		"a folder in tmp":        func(in func(string) string) error { return os.MkdirAll(in("tmp/a/b"), 0o700) },
		"a symlink":              func(in func(string) string) error { return os.Symlink("/etc/passwd", in("mail/A.env")) },
		"a symlink to nothing":   func(in func(string) string) error { return os.Symlink("nothing", in("mail/A.env")) },
		"a long name":            func(in func(string) string) error { return os.WriteFile(in("mail/"+long+".env"), nil, 0o600) },
		"no name":                func(in func(string) string) error { return os.WriteFile(in("mail/.env"), nil, 0o600) },
		"a file nobody may read": func(in func(string) string) error { return os.WriteFile(in("mail/A.env"), nil, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			inPost(t, nil, func(t *testing.T, p *post) {
				var b moody
				p.serve("b.test", "192.0.2.1", &b)
				b.say(later)
				p.send("ann@a.test", "bob@b.test")
				p.settle()
				require.NoError(t, p.queue.Close())
				require.NoError(t, put(func(name string) string { return filepath.Join(p.queue.Dir, name) }))
				b.say(nil)
				p.queue = p.another(p.queue.Dir)
				require.NoError(t, p.queue.Start(p.network))
				p.after(time.Hour)
				assert.Len(t, b.Messages(), 1)
				assert.Zero(t, p.queue.Stats().Messages)
			})
		})
	}
}

// A message does not wait for a time that the clock was wrong about when it was written.
func TestQueueClockPutBack(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		var b moody
		p.serve("b.test", "192.0.2.1", &b)
		b.say(later)
		p.send("ann@a.test", "bob@b.test")
		p.settle()
		id := p.queue.List()[0].ID
		require.NoError(t, p.queue.Close())
		file := filepath.Join(p.queue.Dir, "mail", id+".env")
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		ahead := strings.ReplaceAll(string(text), "2000-01-01", "2010-01-01")
		require.NoError(t, os.WriteFile(file, []byte(ahead), 0o600))
		b.say(nil)
		p.queue = p.another(p.queue.Dir)
		require.NoError(t, p.queue.Start(p.network))
		p.settle()
		assert.Len(t, b.Messages(), 1)
		p.requireEmpty()
	})
}

type unreadable struct{ io.ReadSeeker }

func (unreadable) Read([]byte) (int, error) { panic("unreadable") }

// A message that cannot even be read leaves nothing.
func TestQueueDeliverPanics(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		var e *protocol.PanicError
		assert.ErrorAs(t, p.queue.Deliver(to("bob@b.test"), unreadable{}), &e)
		p.requireEmpty()
	})
}
