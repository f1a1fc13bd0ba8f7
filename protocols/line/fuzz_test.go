package line_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocoltest"
)

// play sends the pieces to an actor, which does what its lines say, and resumes
// it until it has heard all.
func play(limit uint8, keep, lf bool, pieces ...string) []string {
	k := &keeper{actor{keep: keep}}
	tr := protocoltest.Connect(line.Config{MaxLength: int(limit), AcceptLF: lf}.New(k))
	for _, p := range pieces {
		tr.Receive(p)
	}
	for n := -1; n != len(k.log); {
		n = len(k.log)
		tr.Do(k.ResumeReading)
	}
	return k.log
}

// Whole, byte by byte and cut at random, a handler that pauses, changes the
// delimiter and the limit, reads raw and hangs up hears the same.
func FuzzLines(f *testing.F) {
	for _, s := range []string{
		"one\r\npause\r\ntwo\r\nflicker\r\nthree\r\n",
		"delimiter ab\r\noneababpauseabdelimiter \nababtwo\r\n",
		"raw 3\r\n1\r\nraw 1\r\n2pause\r\nraw 2\r\n",
		"limit 7\r\nlimit 999\r\npause\r\n" + strings.Repeat("x", 20) + "\r\nlimit 0\r\nlose\r\n",
		"pause\r\npause\r\npanic\r\n",
	} {
		f.Add(s, uint8(0), true, false, uint64(1))
		f.Add(s, uint8(12), false, true, uint64(2))
	}
	f.Fuzz(func(t *testing.T, in string, limit uint8, keep, lf bool, seed uint64) {
		if len(in) > 1<<10 || strings.Contains(in, "clear") || strings.Contains(in, "drop") {
			return // what has arrived already is a matter of the cuts
		}
		want := play(limit, keep, lf, in)
		require.Equal(t, want, play(limit, keep, lf, strings.Split(in, "")...), "byte by byte")
		var pieces []string
		r := rand.New(rand.NewPCG(seed, 0))
		for rest := in; rest != ""; {
			n := 1 + r.IntN(min(len(rest), 20))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		require.Equal(t, want, play(limit, keep, lf, pieces...), "%q", pieces)
	})
}
