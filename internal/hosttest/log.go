package hosttest

import (
	"bytes"
	"strings"
	"sync"
)

// A Log is written and read by any goroutine.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Lines is how many there are.
func (l *Log) Lines() int { return strings.Count(l.String(), "\n") }
