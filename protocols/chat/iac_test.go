package chat

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// filtered returns what is left of the input, whichever way it is cut, and what
// was answered.
func filtered(t *testing.T, in string) (text, answer string) {
	t.Helper()
	whole, wholeAnswer := new(filter).strip([]byte(in))
	var f filter
	var bytewise, answers []byte
	for _, b := range []byte(in) {
		piece, a := f.strip([]byte{b})
		bytewise = append(bytewise, piece...)
		answers = append(answers, a...)
	}
	assert.Equal(t, string(whole), string(bytewise), "%q", in)
	assert.Equal(t, string(wholeAnswer), string(answers), "%q", in)
	return string(whole), string(wholeAnswer)
}

func TestTelnetCommandsAreStripped(t *testing.T) {
	for _, c := range []struct{ in, text, answer string }{
		{"hello\r\n", "hello\r\n", ""},
		{"a\xff\xf1b\xff\xf4c\xff\xf2d\xff\xeee", "abcde", ""},
		{"a\xff\xffb", "a\xffb", ""},
		{"a\xff\xf6b", "ab", "[Yes]\r\n"},
		{"a\r\x00b\r\n\x00", "a\r\nb\r\n\x00", ""},
		{"a\r\r\x00", "a\r\r\n", ""},
		{"\xff\xfd\x01\xff\xfb\x1fx", "x", "\xff\xfc\x01\xff\xfe\x1f"},
		{"\xff\xfc\x01\xff\xfe\x1fx", "x", ""},
		{"\xff\xfd\xff\xff\xfb\xff", "", "\xff\xfc\xff\xff\xfe\xff"},
		{"\xff\xfd\x01\xff\xfd\x01\xff\xfb\x01\xff\xfb\x01", "", "\xff\xfc\x01\xff\xfe\x01"},
		{"\xff\xfd\x06\xff\xfd\x06", "", "\xff\xfc\x06\xff\xfc\x06"},
		{"\xff\xfb\x06\xff\xfb\x06", "", "\xff\xfe\x06"},
		{"a\xff\xfa\x18\x00xterm\xff\xf0b", "ab", ""},
		{"a\xff\xfa\x1f\xff\xff\x00P\xff\xf0b", "ab", ""},
		{"a\xff\xfa\x18no end\xff\xfb\x01b", "ab", "\xff\xfe\x01"},
		{"a\xff\xfa" + strings.Repeat("x", maxSub) + "b", "ab", ""},
		{"a\xff", "a", ""},
		{"a\xff\n\xff\r\x00b", "a\n\r\nb", ""},
		{"a\xff\xfa\x18no end\xff\nb", "a\nb", ""},
	} {
		text, answer := filtered(t, c.in)
		assert.Equal(t, c.text, text, "%q", c.in)
		assert.Equal(t, c.answer, answer, "%q", c.in)
	}
}

// Text without commands is not moved.
func TestPlainTextIsPassedAsItIs(t *testing.T) {
	in := []byte("hello\r\nGr\u00fc\u00dfe\r")
	var f filter
	out, _ := f.strip(in)
	assert.Same(t, &in[0], &out[0])
	assert.Len(t, out, len(in))
	out, _ = f.strip([]byte("\x00x"))
	assert.Equal(t, "\nx", string(out), "the CR was the last byte")
}

// However it is cut, the same text is left, and no more is answered than asked.
func FuzzFilter(f *testing.F) {
	f.Add([]byte("a\xff\xfd\x01\r\x00\xff\xfa\x18x\xff\xf0b\xff\xff\xff\xf6"), uint8(3))
	f.Add([]byte("\xff\xfa\xff\xfa\xff\xff\xff\xfb\xff\xfd\x06\r\xff\x00"), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		text, answer := new(filter).strip(bytes.Clone(in))
		var c filter
		var pieces, answers []byte
		for rest := in; len(rest) > 0; {
			n := min(len(rest), int(size)+1)
			p, a := c.strip(bytes.Clone(rest[:n]))
			pieces, answers = append(pieces, p...), append(answers, a...)
			rest = rest[n:]
		}
		if !bytes.Equal(text, pieces) || !bytes.Equal(answer, answers) {
			t.Fatalf("%q cut into %d: %q and %q, %q and %q", in, int(size)+1, text, pieces, answer, answers)
		}
		if len(text) > len(in) || len(answer) > 4*len(in) {
			t.Fatalf("%d bytes became %d, and %d answers", len(in), len(text), len(answer))
		}
	})
}
