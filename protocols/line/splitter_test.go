package line_test

import (
	"bytes"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocols/line"
)

// split returns what a Splitter makes of pieces, each of which is overwritten
// after it was fed. A line that is too long is shown as an exclamation mark.
func split(c line.Config, pieces ...string) (lines []string, waiting int) {
	s := line.Splitter{Config: c}
	for _, p := range pieces {
		lent := []byte(p)
		s.Feed(lent)
		for s.Next() || s.Err() != nil {
			if s.Err() != nil {
				lines = append(lines, "!")
				s.Skip()
			} else {
				lines = append(lines, string(s.Line()))
			}
		}
		for i := range lent {
			lent[i] = 0xdb
		}
	}
	return lines, s.Len()
}

var splits = []struct {
	name  string
	c     line.Config
	in    string
	lines []string
}{
	{"nothing", line.Config{}, "", nil},
	{"one", line.Config{}, "one\r\n", []string{"one"}},
	{"three", line.Config{}, "one\r\ntwo\r\nthree\r\n", []string{"one", "two", "three"}},
	{"empty lines", line.Config{}, "\r\n\r\n\r\n", []string{"", "", ""}},
	{"unfinished", line.Config{}, "one\r\ntw", []string{"one"}},
	{"half an ending", line.Config{}, "one\r\ntwo\r", []string{"one"}},
	{"bare LF is text", line.Config{}, "a\nb\r\n\n\r\n", []string{"a\nb", "\n"}},
	{"bare CR is text", line.Config{}, "a\rb\r\r\n\r\n", []string{"a\rb\r", ""}},
	{"NUL and high bytes are text", line.Config{}, "\x00\xff\r\n", []string{"\x00\xff"}},
	{"accept LF", line.Config{AcceptLF: true}, "a\nb\r\n\n\r\n\r\r\nc", []string{"a", "b", "", "", "\r"}},
	{"LF only", line.Config{Delimiter: "\n"}, "a\r\nb\n", []string{"a\r", "b"}},
	{"accept LF is for CRLF only", line.Config{Delimiter: "\x00", AcceptLF: true}, "a\nb\x00", []string{"a\nb"}},
	{"long delimiter", line.Config{Delimiter: "--END--"}, "a--END--b--END--END--c--END--", []string{"a", "b", "END--c"}},
	{"delimiter that overlaps itself", line.Config{Delimiter: "aa"}, "xaaaayaaa", []string{"x", "", "y"}},
	{"delimiter with a false start", line.Config{Delimiter: "aab"}, "aaabxaab", []string{"a", "x"}},

	{"longest", line.Config{MaxLength: 3}, "abc\r\nabc\r\n", []string{"abc", "abc"}},
	{"too long by one", line.Config{MaxLength: 3}, "abcd\r\nok\r\n", []string{"!", "ok"}},
	{"too long by a lone CR", line.Config{MaxLength: 3}, "abc\r\r\nok\r\n", []string{"!", "ok"}},
	{"too long by much", line.Config{MaxLength: 3}, strings.Repeat("x", 99) + "\r\nok\r\n", []string{"!", "ok"}},
	{"too long, unfinished", line.Config{MaxLength: 3}, "abcde", []string{"!"}},
	{"perhaps the longest", line.Config{MaxLength: 3}, "abc\r", nil},
	{"two too long", line.Config{MaxLength: 3}, "abcde\r\nabcde\r\n", []string{"!", "!"}},
	{"too long, then empty", line.Config{MaxLength: 3}, "abcde\r\n\r\n", []string{"!", ""}},
	{"too long, with CRs", line.Config{MaxLength: 3}, "abc\r\r\r\r\n\r\n", []string{"!", ""}},
	{"longest, bare LF", line.Config{MaxLength: 3, AcceptLF: true}, "abc\nabc\r\n", []string{"abc", "abc"}},
	{"too long, bare LF", line.Config{MaxLength: 3, AcceptLF: true}, "abcd\nok\nabcde\nok\n", []string{"!", "ok", "!", "ok"}},
	{"too long, one byte ends it", line.Config{MaxLength: 3, Delimiter: "."}, "abc.abcd.ok.", []string{"abc", "!", "ok"}},
	{"too long, long delimiter", line.Config{MaxLength: 1, Delimiter: "123"}, "a123bb123ok123c123", []string{"a", "!", "!", "c"}},
	{"default limit", line.Config{}, strings.Repeat("x", 16<<10) + "\r\n" + strings.Repeat("x", 16<<10+1) + "\r\n", []string{strings.Repeat("x", 16<<10), "!"}},
	{"largest limit", line.Config{MaxLength: math.MaxInt}, "one\r\ntwo", []string{"one"}},
	{"no limit", line.Config{MaxLength: -1}, strings.Repeat("x", 40<<10) + "\r\n", []string{strings.Repeat("x", 40<<10)}},
}

// Wherever the input is cut, the lines are the same.
func TestSplitterIgnoresCuts(t *testing.T) {
	for _, test := range splits {
		t.Run(test.name, func(t *testing.T) {
			whole, waiting := split(test.c, test.in)
			assert.Equal(t, test.lines, whole)
			step := 1 + len(test.in)/100
			for i := 0; i < len(test.in); i += step {
				lines, n := split(test.c, test.in[:i], test.in[i:])
				assert.Equal(t, whole, lines, "cut at %d", i)
				assert.Equal(t, waiting, n, "cut at %d", i)
			}
			lines, n := split(test.c, strings.Split(test.in, "")...)
			assert.Equal(t, whole, lines, "byte by byte")
			assert.Equal(t, waiting, n, "byte by byte")
		})
	}
}

// A peer that never ends its line makes us hold the longest line and no more.
func TestSplitterIsBounded(t *testing.T) {
	chunk := bytes.Repeat([]byte("x"), 512)
	s := line.Splitter{}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	told, most := 0, 0
	for range 2 << 10 {
		s.Feed(chunk)
		for s.Next() || s.Err() != nil {
			told++
			s.Skip()
		}
		most = max(most, s.Len())
	}
	runtime.ReadMemStats(&after)
	assert.Equal(t, 1, told)
	assert.LessOrEqual(t, most, 16<<10+2)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<10), "allocated for 1 MiB without an ending")
}

// An early end of the loop loses nothing, and what is taken is not seen again.
func TestSplitterHoldsAndGives(t *testing.T) {
	var s line.Splitter
	lent := []byte("one\r\ntwo\r\nthr")
	s.Feed(lent)
	assert.True(t, s.Next())
	s.Hold()
	clear(lent)
	assert.Equal(t, 8, s.Len())
	s.Feed([]byte("ee\r\nfo"))
	assert.True(t, s.Next())
	assert.Equal(t, "two", string(s.Line()))
	assert.True(t, s.Next())
	assert.Equal(t, "three", string(s.Line()))
	assert.False(t, s.Next())
	s.Feed([]byte("ur"))
	assert.False(t, s.Next())
	assert.Equal(t, "four", string(s.Take()))
	assert.Zero(t, s.Len())
	assert.Empty(t, s.Take())
}

// A line that is too long stays an error until it is skipped, or taken away.
func TestSplitterErrorStays(t *testing.T) {
	s := line.Splitter{Config: line.Config{MaxLength: 2}}
	s.Feed([]byte("abcdef\r\nok\r\n"))
	for range 3 {
		assert.False(t, s.Next())
		assert.ErrorIs(t, s.Err(), line.ErrTooLong)
	}
	assert.Equal(t, "ef\r\nok\r\n", string(s.Take()), "what follows the longest line and its ending")
	assert.NoError(t, s.Err())
}

// What arrived before the delimiter was changed is searched for the new one.
func TestSplitterSearchesAgain(t *testing.T) {
	var s line.Splitter
	s.Feed([]byte("one;tw"))
	assert.False(t, s.Next())
	s.SetDelimiter(";")
	assert.True(t, s.Next())
	assert.Equal(t, "one", string(s.Line()))
	s.Feed([]byte("o;"))
	assert.True(t, s.Next())
	assert.Equal(t, "two", string(s.Line()))
}

// The limit may change between two lines, and below what has arrived of one.
func TestSplitterLimitChanges(t *testing.T) {
	var s line.Splitter
	s.Feed([]byte("abcdef"))
	assert.False(t, s.Next())
	s.MaxLength = 2
	s.Feed([]byte("g\r\nok\r\nabc\r\n"))
	assert.False(t, s.Next())
	assert.ErrorIs(t, s.Err(), line.ErrTooLong)
	s.Skip()
	assert.True(t, s.Next())
	assert.Equal(t, "ok", string(s.Line()))
	s.MaxLength = 3
	assert.True(t, s.Next())
	assert.Equal(t, "abc", string(s.Line()))
}

// Whole, byte by byte and cut at random, the lines are those that a simple
// search finds, and the memory is bounded.
func FuzzSplitter(f *testing.F) {
	for _, test := range splits {
		if len(test.in) < 200 {
			f.Add([]byte(test.in), test.c.Delimiter, test.c.MaxLength, test.c.AcceptLF, uint8(3))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, delim string, limit int, lf bool, size uint8) {
		if len(in) > 4<<10 || len(delim) > 64 || limit > 1<<20 {
			return
		}
		c := line.Config{Delimiter: delim, MaxLength: limit, AcceptLF: lf}
		want := simple(c, string(in))
		for _, n := range []int{len(in) + 1, 1, int(size) + 1} {
			var pieces []string
			for p := range slices.Chunk(in, n) {
				pieces = append(pieces, string(p))
			}
			lines, _ := split(c, pieces...)
			if fmt.Sprintf("%q", lines) != fmt.Sprintf("%q", want) {
				t.Fatalf("in pieces of %d: %q, want %q", n, lines, want)
			}
		}
	})
}

// simple is split in the obvious way.
func simple(c line.Config, in string) (lines []string) {
	s := line.Splitter{Config: c}
	delim := c.Delimiter
	if delim == "" {
		delim = "\r\n"
	}
	end, bare := delim, c.AcceptLF && delim == "\r\n"
	if bare {
		end = "\n"
	}
	for {
		l, rest, whole := strings.Cut(in, end)
		if whole && bare {
			l = strings.TrimSuffix(l, "\r")
		}
		switch {
		case whole && len(l) <= s.Limit():
			lines = append(lines, l)
		case whole || len(l) >= s.Limit()+len(delim):
			lines = append(lines, "!")
		}
		if !whole {
			return lines
		}
		in = rest
	}
}

// One op is one line of a hundred that came together.
func BenchmarkSplitter(b *testing.B) {
	data := []byte(strings.Repeat("a line of ordinary length\r\n", 100))
	var s line.Splitter
	b.ReportAllocs()
	for n := b.N; n > 0; n -= 100 {
		s.Feed(data)
		for s.Next() {
		}
	}
}
