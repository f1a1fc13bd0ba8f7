package knock

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// listen returns all that a server's machine hears in pieces.
func listen(t *testing.T, pieces ...string) (said []string) {
	m := machine{phrases: []string{knock, name}}
	for _, p := range pieces {
		m.hear([]byte(p))
		for s, ok := m.next(); ok; s, ok = m.next() {
			said = append(said, s)
		}
		require.Less(t, len(m.heard), len(name), "held")
	}
	return said
}

// Phrases are understood however they are cut; nothing panics, and no more is
// held than the beginning of a phrase.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{0, 1, 2, 0, 0}, "Knock Disappearing client\r\n")
	f.Fuzz(func(t *testing.T, order []byte, noise string) {
		listen(t, strings.Split(noise, "")...)
		listen(t, noise)
		all, want := "", []string(nil)
		for _, n := range order[:min(len(order), 100)] {
			phrase := []string{knock, name, "\r\n", "\n"}[n%4]
			all += phrase
			if n%4 < 2 {
				want = append(want, phrase)
			}
		}
		for _, pieces := range [][]string{{all}, strings.Split(all, "")} {
			if got := listen(t, pieces...); !slices.Equal(got, want) {
				t.Fatalf("heard %q, want %q", got, want)
			}
		}
	})
}
