package intn_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/intn"
	"github.com/torsion-go/torsion/protocoltest"
)

// play sends the pieces to an actor, which does what its strings say, and
// resumes it until it has heard all.
func play(c intn.Config, keep bool, pieces ...string) []string {
	k := &keeper{keep: keep}
	tr := protocoltest.Connect(c.New(k))
	receive(tr, pieces...)
	for n := -1; n != len(k.log); {
		n = len(k.log)
		tr.Do(k.ResumeReading)
	}
	tr.EOF()
	return k.log
}

// Whole, byte by byte and cut at random, the handler hears the same, and that is
// what the package says.
func FuzzStrings(f *testing.F) {
	for i, form := range forms {
		for _, c := range cases {
			f.Add(frame(form.prefix, c.strs...)+c.tail, uint8(i), uint8(0), true, uint64(1))
			f.Add(frame(form.prefix, c.strs...)+c.tail, uint8(i), uint8(3), false, uint64(2))
		}
		f.Add(frame(form.prefix, "pause", "limit 1", "ab", "pause"), uint8(i), uint8(9), true, uint64(3))
	}
	f.Add("\x80\x00", uint8(5), uint8(0), true, uint64(4))
	f.Add(strings.Repeat("\xff", 11), uint8(5), uint8(0), true, uint64(4))
	f.Fuzz(func(t *testing.T, in string, form, limit uint8, keep bool, seed uint64) {
		if len(in) > 1<<10 {
			return
		}
		c := forms[int(form)%len(forms)].config
		c.MaxLength = int(limit)
		want := play(c, keep, in)
		if !strings.Contains(in, "limit") && !strings.Contains(in, "lose") && !strings.Contains(in, "abort") && !strings.Contains(in, "panic") {
			require.Equal(t, simple(c, keep, in), want)
		}
		require.Equal(t, want, play(c, keep, strings.Split(in, "")...), "byte by byte")
		var pieces []string
		r := rand.New(rand.NewPCG(seed, 0))
		for rest := in; rest != ""; {
			n := 1 + r.IntN(min(len(rest), 20))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		require.Equal(t, want, play(c, keep, pieces...), "%q", pieces)
	})
}

var (
	errShort = errors.New("the prefix is not whole")
	errWrong = errors.New("this is no prefix")
)

// length reads a prefix in the obvious way.
func length(c intn.Config, in string) (n uint64, size int, err error) {
	if c.Prefix == intn.Varint {
		n, size = binary.Uvarint([]byte(in))
		switch {
		case size < 0, size > 1 && in[size-1] == 0:
			return 0, 0, errWrong
		case size == 0 && len(in) == binary.MaxVarintLen64: // another byte can only make it wrong
			return 0, 0, errWrong
		case size == 0:
			return 0, 0, errShort
		}
		return n, size, nil
	}
	size = map[intn.Prefix]int{intn.Int8: 1, intn.Int16: 2, intn.Int32: 4}[c.Prefix]
	if len(in) < size {
		return 0, 0, errShort
	}
	for i := range size {
		if c.LittleEndian {
			n = n<<8 | uint64(in[size-1-i])
		} else {
			n = n<<8 | uint64(in[i])
		}
	}
	return n, size, nil
}

// simple is what a keeper hears of in, found in the obvious way.
func simple(c intn.Config, keep bool, in string) (log []string) {
	limit := uint64(c.MaxLength)
	if limit == 0 {
		limit = 99999
	}
	for in != "" {
		n, size, err := length(c, in)
		switch err {
		case errShort:
			return append(log, truncated)
		case errWrong:
			return append(log, malformed)
		}
		in = in[size:]
		if n > limit {
			log = append(log, fmt.Sprintf("%d is too long", n))
			if !keep {
				return append(log, tooLong)
			}
		}
		if n > uint64(len(in)) {
			return append(log, truncated)
		}
		if n <= limit {
			log = append(log, fmt.Sprintf("%q", in[:n]))
		}
		in = in[n:]
	}
	return append(log, done)
}
