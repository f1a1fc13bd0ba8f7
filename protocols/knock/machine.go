package knock

import (
	"bytes"
	"strings"
)

// The conversation has no punctuation: what is said ends where the next begins,
// and a network may cut it anywhere. So a machine waits while what it heard may
// become a phrase that it knows. Everything else is taken as it comes, for
// nobody can know where it ends.
const (
	knock  = "Knock knock"
	who    = "Who's there?"
	name   = "Disappearing client"
	nobody = name + " who?"
)

// A machine hears one side of the conversation. It does no I/O.
//
//	m.hear(data)
//	for said, ok := m.next(); ok; said, ok = m.next() {
//		answer(said)
//	}
type machine struct {
	phrases []string // that the other side may say, none the beginning of another
	heard   []byte   // after next returned false: the beginning of one of phrases
}

// hear takes what has arrived, wherever it was cut.
func (m *machine) hear(data []byte) { m.heard = append(m.heard, data...) }

// next returns the next thing that was said. Line ends around it are those of
// people who knock by hand, and no part of it.
func (m *machine) next() (said string, ok bool) {
	m.heard = bytes.TrimLeft(m.heard, "\r\n")
	for _, p := range m.phrases {
		if rest, ok := bytes.CutPrefix(m.heard, []byte(p)); ok {
			m.heard = rest
			return p, true
		}
	}
	if m.incomplete() {
		m.heard = append([]byte(nil), m.heard...) // no more than that
		return "", false
	}
	return m.all(), true
}

// incomplete reports whether more may make a phrase of what was heard.
func (m *machine) incomplete() bool {
	for _, p := range m.phrases {
		if strings.HasPrefix(p, string(m.heard)) {
			return true
		}
	}
	return false
}

// all is everything that was heard, be it a phrase or not.
func (m *machine) all() string {
	said := string(bytes.TrimRight(m.heard, "\r\n"))
	m.heard = nil
	return said
}

// serve is what the server answers. Like the one whose joke this is it does not
// insist on the order.
func serve(said string) (answer string, hangUp bool) {
	if said == knock {
		return who, false
	}
	return said + " who?", false
}

// visit is what the client answers: its name, once it is asked, and then nothing.
func visit(said string) (answer string, hangUp bool) {
	if said == who {
		return name, false
	}
	return "", true
}
