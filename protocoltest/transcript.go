package protocoltest

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
)

// Transcript plays a file of what a client and our server say to each other, with
// every cut of Cuts. Its lines begin with
//
//	C:   the client sends the rest of the line and CRLF
//	C|   the client sends the rest of the line as it is
//	C.   the client ends its side
//	S:   we answer the rest of the line and CRLF
//	S|   we answer the rest of the line as it is
//	S.   we end our side
//	T:   that much time passes (time.ParseDuration)
//	#    a comment
//
// One space behind the mark is not part of the text. What the client says
// without waiting for an answer is cut as a whole; our answers up to the
// client's next word are compared at once, so nothing else may be said. f builds
// a protocol for each cut; what it shares lives through all of them.
func Transcript(t *testing.T, f factory.Factory, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for name := range Cuts("") {
		t.Run(name, func(t *testing.T) { play(t, f, name, string(text)) })
	}
}

func play(t *testing.T, f factory.Factory, cut, text string) {
	tr := Connect(f.BuildProtocol(theirs))
	said, want := "", ""
	send := func() {
		for name, pieces := range Cuts(said) {
			if name == cut {
				for _, p := range pieces {
					tr.Receive(p)
				}
			}
		}
		said = ""
	}
	compare := func(n int) {
		t.Helper()
		send()
		require.Equal(t, want, tr.Take(), "before line %d", n+1)
		want = ""
	}
	lines := strings.Split(text, "\n")
	for n, l := range lines {
		mark, rest, _ := strings.Cut(l, " ")
		if want != "" && mark != "S:" && mark != "S|" {
			compare(n)
		}
		switch mark {
		case "C:":
			said += rest + "\r\n"
		case "C|":
			said += rest
		case "C.":
			send()
			tr.EOF()
		case "S:":
			want += rest + "\r\n"
		case "S|":
			want += rest
		case "S.":
			compare(n)
			assert.True(t, tr.Closed(), "line %d: not closed", n+1)
		case "T:":
			compare(n)
			d, err := time.ParseDuration(rest)
			require.NoError(t, err)
			tr.Advance(d)
		case "", "#":
		default:
			t.Fatalf("line %d is no transcript: %q", n+1, l)
		}
	}
	compare(len(lines))
}
