package interop

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience is how long it may take that something is said that is expected.
const patience = 30 * time.Second

// A speaker is somebody of whom something is expected: a program, or the peer of
// a client of ours.
type speaker struct {
	t        *testing.T
	name     string
	ended    chan struct{} // closed when it will say no more
	patience time.Duration // how long one waits for what is expected

	mu    sync.Mutex
	said  bytes.Buffer
	more  chan struct{} // replaced and closed when it says more
	heard int           // bytes of said that Expect has passed; the test's own
}

// listenTo returns a speaker that says what is written to it. The log of a test
// that fails has all of that.
func listenTo(t *testing.T, name string) *speaker {
	s := &speaker{t: t, name: name, ended: make(chan struct{}), more: make(chan struct{}), patience: patience}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s said:\n%s", s.name, s.Said())
		}
	})
	return s
}

// Write has the speaker say b.
func (s *speaker) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said.Write(b)
	close(s.more)
	s.more = make(chan struct{})
	return len(b), nil
}

// Expect waits until the speaker has said text, after what was expected before.
func (s *speaker) Expect(text string) {
	s.t.Helper()
	deadline := time.After(s.patience)
	for {
		found, more := s.hear(text)
		if found {
			return
		}
		select {
		case <-more:
		case <-s.ended: // it will say no more
			found, _ = s.hear(text)
			require.True(s.t, found, "%s ended without saying %q", s.name, text)
			return
		case <-deadline:
			require.FailNow(s.t, "not said", "%s did not say %q", s.name, text)
		}
	}
}

func (s *speaker) hear(text string) (found bool, more <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := strings.Index(s.said.String()[s.heard:], text)
	if i < 0 {
		return false, s.more
	}
	s.heard += i + len(text)
	return true, nil
}

// Line waits for a whole line that begins with prefix and returns the rest of it.
func (s *speaker) Line(prefix string) string {
	s.t.Helper()
	s.Expect(prefix)
	from := s.heard
	s.Expect("\n")
	return strings.TrimRight(s.Said()[from:s.heard-1], "\r")
}

// wait waits for the end.
func (s *speaker) wait() {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(s.patience):
		require.FailNow(s.t, "not ended", "%s goes on", s.name)
	}
}

// Said returns all that was said.
func (s *speaker) Said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.String()
}
