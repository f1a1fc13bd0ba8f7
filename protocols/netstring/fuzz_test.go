package netstring_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/netstring"
	"github.com/torsion-go/torsion/protocoltest"
)

// play sends the pieces to an actor, which does what its netstrings say, and
// resumes it until it has heard all.
func play(limit int, keep bool, pieces ...string) []string {
	k := &keeper{keep: keep}
	tr := protocoltest.Connect(netstring.Config{MaxLength: limit}.New(k))
	receive(tr, pieces...)
	for n := -1; n != len(k.log); {
		n = len(k.log)
		tr.Do(k.ResumeReading)
	}
	tr.EOF()
	return k.log
}

// Whole, byte by byte and cut at random, the handler hears the same, and that is
// what the grammar says.
func FuzzNetstrings(f *testing.F) {
	for _, c := range cases {
		if len(c.in) < 1000 {
			f.Add(c.in, uint8(0), true, uint64(1))
			f.Add(c.in, uint8(3), false, uint64(2))
		}
	}
	f.Add("5:pause,7:limit 1,2:ab,5:pause,", uint8(9), true, uint64(3))
	f.Fuzz(func(t *testing.T, in string, limit uint8, keep bool, seed uint64) {
		if len(in) > 1<<10 {
			return
		}
		want := play(int(limit), keep, in)
		if !strings.Contains(in, "limit") && !strings.Contains(in, "lose") && !strings.Contains(in, "abort") && !strings.Contains(in, "panic") {
			require.Equal(t, simple(int(limit), keep, in), want)
		}
		require.Equal(t, want, play(int(limit), keep, strings.Split(in, "")...), "byte by byte")
		var pieces []string
		r := rand.New(rand.NewPCG(seed, 0))
		for rest := in; rest != ""; {
			n := 1 + r.IntN(min(len(rest), 20))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		require.Equal(t, want, play(int(limit), keep, pieces...), "%q", pieces)
	})
}

// simple is what a keeper hears of in, found in the obvious way.
func simple(limit int, keep bool, in string) (log []string) {
	if limit == 0 {
		limit = 99999
	}
	for in != "" {
		digits := in[:len(in)-len(strings.TrimLeft(in, "0123456789"))]
		in = in[len(digits):]
		if len(digits) > 19 || len(digits) > 1 && digits[0] == '0' || digits == "" || in != "" && in[0] != ':' {
			return append(log, malformed)
		}
		if in == "" {
			return append(log, truncated)
		}
		in = in[1:]
		n, _ := strconv.ParseUint(digits, 10, 64)
		if n > uint64(limit) {
			log = append(log, fmt.Sprintf("%d is too long", n))
			if !keep {
				return append(log, tooLong)
			}
		}
		if n >= uint64(len(in)) {
			return append(log, truncated)
		}
		if in[n] != ',' {
			return append(log, malformed)
		}
		if n <= uint64(limit) {
			log = append(log, fmt.Sprintf("%q", in[:n]))
		}
		in = in[n+1:]
	}
	return append(log, done)
}
