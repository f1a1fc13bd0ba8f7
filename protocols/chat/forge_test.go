package chat_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/chat"
)

// FuzzNobodyForgesALine lets four hostile people say what they want. Whatever it
// is, each line that somebody reads is one that its sender may cause.
func FuzzNobodyForgesALine(f *testing.F) {
	for _, script := range []string{
		"0/NAME bob\n1/NAME bob says hi\n1/name b\u00f6b\n2/MSG bob x\n3/EXIT\n0bye",
		"0hi\rbob says hi\n1hi\u2028bob says hi\n2\x1b[2J\u202ebob\n3/NAME \u0431ob",
		"0/NAME A\u030a\u030a\u030a\n1/NAME \u00c5\n2/NAME \uff42\uff4f\uff42\n3/me says\n2/NAME *",
		"0/WHO\n1/HELP\n2/QUIT\n3/NAME 127.0.0.1\n1/NAME ::1\n0/NAME 127.0.0.1#3",
	} {
		f.Add([]byte(script))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		var r chat.Room
		people := make([]*person, 4)
		for i := range people {
			people[i] = enter(t, &r, "127.0.0.1", "")
		}
		for line := range bytes.SplitSeq(script, []byte("\n")) {
			if len(line) == 0 {
				continue
			}
			i := int(line[0]) % len(people)
			step(t, &r, people, i, line[1:])
		}
	})
}

// step has one of the people send a line, and judges what everyone reads.
func step(t *testing.T, r *chat.Room, people []*person, i int, line []byte) {
	before := map[string]int{}
	for j, p := range people {
		before[p.Name()] = j
		p.read()
	}
	here, was := r.Len(), people[i].Name()
	people[i].Hear(line)
	if r.Len() != here && r.Len() != here-1 {
		t.Fatalf("%d people became %d", here, r.Len())
	}
	seen := map[string]bool{}
	for _, name := range r.Names() {
		if seen[strings.ToLower(name)] || strings.ContainsAny(name, " *") || len(name) > 80 {
			t.Fatalf("name %q", name)
		}
		seen[strings.ToLower(name)] = true
	}
	for j, p := range people {
		judge(t, p.read(), i == j, was, people[i].Name())
	}
}

// judge fails if what somebody read was not caused by who was called so.
func judge(t *testing.T, screen string, own bool, was, is string) {
	if !utf8.ValidString(screen) || screen != "" && !strings.HasSuffix(screen, "\r\n") {
		t.Fatalf("no lines of UTF-8: %q", screen)
	}
	if screen == "" {
		return
	}
	lines := strings.Split(strings.TrimSuffix(screen, "\r\n"), "\r\n")
	for _, l := range lines {
		if i := strings.IndexFunc(l, hostile); i >= 0 {
			t.Fatalf("hostile character in %q at %d", l, i)
		}
		allowed := l == was+" changed name to "+is || l == was+" has disconnected." ||
			strings.HasPrefix(l, was+" says ") || strings.HasPrefix(l, "* "+was+" ") ||
			strings.HasPrefix(l, was+" tells you: ")
		if !allowed && !own {
			t.Fatalf("%q caused by %q", l, was)
		}
	}
	if !own && len(lines) != 1 {
		t.Fatalf("one line became %q", lines)
	}
}

func hostile(r rune) bool {
	joiner := r == '\u200c' || r == '\u200d'
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) || unicode.Is(unicode.Cf, r) && !joiner
}

// A name that looks like another member's in one other script is that name.
func TestLookalikesAreTaken(t *testing.T) {
	var r chat.Room
	var joe, eve bytes.Buffer
	j, err := r.Enter(&joe, "192.0.2.1")
	require.NoError(t, err)
	e, err := r.Enter(&eve, "192.0.2.2")
	require.NoError(t, err)
	j.Hear([]byte("/NAME joe"))
	joe.Reset()
	for _, name := range []string{"јое", "ϳοe", "JOE", "јоЕ"} {
		e.Hear([]byte("/NAME " + name))
	}
	assert.NotContains(t, joe.String(), "changed name")
}

// Letters that show nothing are passed on as spaces.
func TestBlankLettersAreSpaces(t *testing.T) {
	var r chat.Room
	var joe bytes.Buffer
	m, err := r.Enter(&joe, "192.0.2.1")
	require.NoError(t, err)
	joe.Reset()
	m.Hear([]byte("a\u3164b\u2800c\u115fd"))
	assert.Equal(t, "192.0.2.1 says a b c d\r\n", joe.String())
}

// The history's bytes may be bounded too.
func TestHistoryBytes(t *testing.T) {
	r := chat.Room{History: 100, HistoryBytes: 1 << 20}
	var a, b bytes.Buffer
	m, err := r.Enter(&a, "192.0.2.1")
	require.NoError(t, err)
	for range 100 {
		m.Hear(bytes.Repeat([]byte("x"), 1000))
	}
	_, err = r.Enter(&b, "192.0.2.2")
	require.NoError(t, err)
	assert.Equal(t, 100, strings.Count(b.String(), " says "))
}
