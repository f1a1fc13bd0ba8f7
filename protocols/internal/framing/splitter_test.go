package framing

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// letters is a grammar for these tests: a length is so many x and a colon.
func letters(end string) *Format {
	return &Format{
		Step: func(p *Prefix, b []byte) (bool, error) {
			for _, c := range b {
				p.Size++
				switch c {
				case 'x':
					p.Length++
				case ':':
					return true, nil
				default:
					return false, errMalformed
				}
			}
			return false, nil
		},
		End:       end,
		TooLong:   errTooLong,
		Malformed: errMalformed,
	}
}

var (
	errTooLong   = errors.New("too long")
	errMalformed = errors.New("malformed")
)

// split returns what a Splitter makes of pieces, each of which is overwritten
// after it was fed. A message that is too long is shown as an exclamation mark.
func split(s *Splitter, pieces ...string) (bodies []string) {
	for _, p := range pieces {
		lent := []byte(p)
		s.Feed(lent)
		for s.Next() || s.Err() == errTooLong {
			if s.Err() != nil {
				bodies = append(bodies, "!")
				s.Skip()
			} else {
				bodies = append(bodies, string(s.Body()))
			}
		}
		clear(lent)
	}
	return bodies
}

// An early end of the loop loses nothing, and what is dropped is not seen again.
func TestSplitterHoldsAndDrops(t *testing.T) {
	s := Splitter{Format: letters(";")}
	lent := []byte("xxx:one;xxx:two;xxxxx:thr")
	s.Feed(lent)
	assert.True(t, s.Next())
	s.Hold()
	clear(lent)
	assert.Equal(t, 17, s.Len())
	assert.Equal(t, []string{"two", "three"}, split(&s, "ee;"))
	assert.Zero(t, s.Len())
	s.Feed([]byte("xx:a"))
	assert.False(t, s.Next())
	s.Feed([]byte("b;x:"))
	assert.True(t, s.Next())
	s.Hold()
	assert.Equal(t, 2, s.Len())
	assert.Equal(t, []string{"c"}, split(&s, "c;"))
	split(&s, "xxx:fo")
	assert.Equal(t, 6, s.Drop())
	assert.Zero(t, s.Drop())
	assert.Equal(t, []string{"four"}, split(&s, "xxxx:four;"))
}

// What is fed while something is lent or held comes behind it.
func TestSplitterFeedsInOrder(t *testing.T) {
	s := Splitter{Format: letters("")}
	s.Feed([]byte("x:ax:"))
	s.Feed([]byte("bx:"))
	assert.True(t, s.Next())
	s.Hold()
	s.Feed([]byte("c:"))
	assert.Equal(t, []string{"b", "c", ""}, split(&s, ""))
	s = Splitter{Format: letters("")}
	s.Feed([]byte("x:ax:"))
	s.Feed([]byte("bx:c:"))
	assert.True(t, s.Next())
	assert.Equal(t, []string{"b", "c", ""}, split(&s, ""))
}

// An error stays until it is skipped or dropped, and one of grammar is not skipped.
func TestSplitterErrorStays(t *testing.T) {
	s := Splitter{Format: letters(";"), MaxLength: 2}
	s.Feed([]byte("xxx:abc;x:a?"))
	for range 3 {
		assert.False(t, s.Next())
		assert.Equal(t, errTooLong, s.Err())
		assert.EqualValues(t, 3, s.Announced())
	}
	s.Skip()
	for range 3 {
		assert.False(t, s.Next())
		assert.Equal(t, errMalformed, s.Err())
	}
	s.Drop()
	assert.NoError(t, s.Err())
	assert.Equal(t, []string{"!", "a"}, split(&s, "xxx:abc;x:a;"))
}

// Who appends to what was handed up does not write over what comes next.
func TestBodyCannotGrowIntoTheNext(t *testing.T) {
	s := Splitter{Format: letters(";")}
	s.Feed([]byte("xxx:one;xxx:two;"))
	assert.True(t, s.Next())
	_ = append(s.Body(), "spoiled"...)
	assert.True(t, s.Next())
	assert.Equal(t, "two", string(s.Body()))
}

// To announce is not to allocate: memory grows as bytes arrive, to twice their
// number or firstCap at most, and never beyond what was announced.
func TestMemoryGrowsWithWhatArrives(t *testing.T) {
	s := Splitter{Format: &Format{End: ",", Step: func(p *Prefix, b []byte) (bool, error) {
		p.Length, p.Size = 90_000, 1
		return true, nil
	}}}
	s.Feed([]byte("!"))
	assert.False(t, s.Next())
	assert.Zero(t, cap(s.held))
	piece := bytes.Repeat([]byte("x"), 1)
	for n := 0; n+len(piece) < 90_000; {
		s.Feed(piece)
		assert.False(t, s.Next())
		n += len(piece)
		if assert.Len(t, s.held, n); cap(s.held) > max(2*n, firstCap) || cap(s.held) > 90_001 {
			t.Fatalf("%d bytes for %d", cap(s.held), n)
		}
		piece = bytes.Repeat([]byte("x"), 1+n/100)
	}
}

// A connection that owes nothing owns no buffer, one that owes little no large
// one, and one whose message is thrown away none.
func TestIdleOwnsNoBuffer(t *testing.T) {
	s := Splitter{Format: letters(";"), MaxLength: 10_000}
	idle := func() bool { return s.held == nil && s.rest == nil }
	split(&s, "x:a;x")
	assert.True(t, idle(), "a prefix needs no buffer")
	split(&s, "xx:ab")
	assert.False(t, idle())
	split(&s, "c;")
	assert.True(t, idle())
	split(&s, strings.Repeat("x", 9000)+":"+strings.Repeat("a", 5000))
	split(&s, strings.Repeat("a", 4000)+";xx:a")
	assert.LessOrEqual(t, cap(s.held), firstCap)
	assert.Equal(t, []string{"ab", "!"}, split(&s, "b;"+strings.Repeat("x", 10_001)+":"))
	split(&s, strings.Repeat("a", 5000))
	assert.True(t, idle())
	assert.Equal(t, 10_002, s.Len(), "the peer is in the middle of something")
}

// A message in two reads costs one buffer, which the next such message uses again.
func TestSplitMessagesShareBuffer(t *testing.T) {
	s := Splitter{Format: letters(";")}
	data := []byte("lf;xxxxxx:a ha")
	s.Feed(data[3:])
	assert.False(t, s.Next())
	heard := 0
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		s.Feed(data)
		for s.Next() {
			heard += len(s.Body())
		}
	}))
	assert.Equal(t, 101*len("a half"), heard)
}

// Whoever pauses on each message of a full read has it copied once.
func TestPausesCopyOnce(t *testing.T) {
	s := Splitter{Format: letters("")}
	s.Feed([]byte(strings.Repeat("x:a", 2000)))
	assert.True(t, s.Next())
	s.Hold()
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		assert.True(t, s.Next())
		s.Hold()
	}))
}

// A limit of its own, the default, and none.
func TestLimit(t *testing.T) {
	assert.Equal(t, 99_999, Limit(0))
	assert.Equal(t, 1, Limit(1))
	assert.Greater(t, Limit(-1), 1<<30-2)
	assert.Equal(t, Limit(-1), Limit(int(^uint(0)>>1)))
}

// However the input is cut, the messages are the same, what is held is no more
// than has arrived, and Len counts it.
func FuzzSplitter(f *testing.F) {
	f.Add("xxx:one;:;x:a;", ";", 3, uint8(2))
	f.Add("xxxx:four;xx:ab?", ";", 3, uint8(3))
	f.Add("x:ax:b::", "", -1, uint8(1))
	f.Fuzz(func(t *testing.T, in, end string, limit int, size uint8) {
		if len(in) > 1<<10 || len(end) > 1 {
			return
		}
		whole := Splitter{Format: letters(end), MaxLength: limit}
		want := split(&whole, in)
		cut := Splitter{Format: letters(end), MaxLength: limit}
		var bodies []string
		for p := in; p != "" && cut.Err() == nil; {
			n := min(len(p), 1+int(size))
			bodies = append(bodies, split(&cut, p[:n])...)
			p = p[n:]
			assert.LessOrEqual(t, cap(cut.held), max(firstCap, 2*len(in)))
			if cut.Err() == nil {
				assert.Empty(t, cut.rest)
			}
		}
		assert.Equal(t, want, bodies)
		assert.Equal(t, whole.Err(), cut.Err())
		if whole.Err() == nil {
			assert.Equal(t, whole.Len(), cut.Len())
		}
	})
}
