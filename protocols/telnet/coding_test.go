package telnet

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// decode returns the text of pieces, and the events at their places in it.
func decode(d *decoder, pieces ...string) string {
	var out strings.Builder
	for _, p := range pieces {
		for in := []byte(p); len(in) > 0; {
			text, ev, rest := d.next(in)
			out.Write(text)
			switch {
			case ev.verb == sb:
				fmt.Fprintf(&out, "<sb %d %q>", ev.option, ev.data)
			case ev.verb >= will:
				fmt.Fprintf(&out, "<%d %d>", ev.verb, ev.option)
			case ev.verb != 0:
				fmt.Fprintf(&out, "<%d>", ev.verb)
			}
			in = rest
		}
	}
	return out.String()
}

func TestDecoding(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{"hello\r\n", "hello\r\n"},
		{"Gr\u00fc\u00dfe\x00\x01\x1b", "Gr\u00fc\u00dfe\x00\x01\x1b"},
		{"a\xff\xf1b\xff\xf4c\xff\xf2d\xff\xeee", "a<241>b<244>c<242>d<238>e"},
		{"a\xff\xff\xff\xffb", "a\xff\xffb"},
		{"\xff\xf0", "<240>"},
		{"a\r\x00b\r\n\x00c", "a\r\nb\r\n\x00c"},
		{"a\r\r\x00\x00", "a\r\r\n\x00"},
		{"a\r\xff\xf1\x00b", "a\r<241>\nb"},
		{"a\r\xff\xff\x00b", "a\r\xff\x00b"},
		{"\xff\xfd\x01\xff\xfb\x1fx\xff\xfc\xff\xff\xfe\x00", "<253 1><251 31>x<252 255><254 0>"},
		{"a\xff\xfa\x18\x00xterm\xff\xf0b", "a<sb 24 \"\\x00xterm\">b"},
		{"a\xff\xfa\x1f\xff\xff\x00P\xff\xf0b", "a<sb 31 \"\\xff\\x00P\">b"},
		{"\xff\xfa\x1f\xff\xf0x\xff\xfa\xff\xf0y", "<sb 31 \"\">xy"},
		{"\xff\xfa\xff\xff1\xff\xf0", "<sb 255 \"1\">"},
		{"a\xff\xfa\x18no end\xff\xfb\x01b", "a<251 1>b"},
		{"a\xff\xfa\x18no end\xff\nb", "a\nb"},
		{"a\xff\xfa\x18no end\xff\xfa\x18end\xff\xf0b", "a<sb 24 \"end\">b"},
		{"a\xff\xfa\x18" + strings.Repeat("x", 20) + "\xff\xf0b", "a<sb 24 \"" + strings.Repeat("x", 20) + "\">b"},
		{"a\xff\xfa\x18" + strings.Repeat("x", 21) + "\xff\xf0b", "ab"},
		{"a\xff\xfa\x18" + strings.Repeat("x\xff\xff", 5000) + "\xff\xf0b", "ab"},
		{"a\xff\xfa\x18" + strings.Repeat("x", 20+maxLost) + "\xff\xf0b", "ab"},
		{"a\xff\xfa\x18" + strings.Repeat("x", 21+maxLost) + "b\xff\xf0c", "ab<240>c"},
		{"a\xff\xfa\x18" + strings.Repeat("x", 20+maxLost) + "\xff\xffb", "ab"},
		{"a\xff\n\xff\r\x00b", "a\n\r\nb"},
		{"a\xff", "a"},
	} {
		small := Config{MaxSubnegotiation: 20}
		assert.Equal(t, c.out, decode(&decoder{config: &small}, c.in), "%.40q", c.in)
		d := &decoder{config: &small}
		assert.Equal(t, c.out, decode(d, strings.Split(c.in, "")...), "%.40q, byte by byte", c.in)
		assert.Nil(t, d.sub, "nothing is kept of one that is over")
	}
}

// However long a subnegotiation is, no more of it is kept than is taken.
func TestSubnegotiationIsBounded(t *testing.T) {
	d := &decoder{config: &Config{MaxSubnegotiation: 20}}
	decode(d, "\xff\xfa"+strings.Repeat("x", 60_000))
	assert.LessOrEqual(t, cap(d.sub.data), 32)
}

// In binary CR means nothing, and IAC still does.
func TestBinaryDecoding(t *testing.T) {
	assert.Equal(t, "a\r\x00b\xff<241>\r\x00", decode(&decoder{config: &Config{}, binary: true}, "a\r\x00b\xff\xff\xff\xf1\r", "\x00"))
}

// A client is told where a bare CR stood.
func TestBareCR(t *testing.T) {
	assert.Equal(t, "a\rb\r\n\r", decode(&decoder{config: &Config{BareCR: true}}, "a\r\x00b\r\n\r", "\x00"))
}

// Plain text is neither moved nor copied, in either direction.
func TestPlainTextStaysWhereItIs(t *testing.T) {
	in := []byte("hello\r\nGr\u00fc\u00dfe\r")
	d := &decoder{config: &Config{}}
	text, _, rest := d.next(in)
	assert.True(t, &in[0] == &text[0] && len(text) == len(in) && len(rest) == 0)
	assert.Equal(t, "\nx", decode(d, "\x00x"), "the CR was the last byte")
	e := &encoder{}
	out := e.encode(in)
	assert.Same(t, &in[0], &out[0])
	out = e.encode([]byte("\n"))
	assert.Equal(t, "\n", string(out), "it ends the line")
}

func TestEncoding(t *testing.T) {
	for _, c := range []struct{ in, out, binary string }{
		{"hello\r\n", "hello\r\n", "hello\r\n"},
		{"a\xffb", "a\xff\xffb", "a\xff\xffb"},
		{"\xff\xff", "\xff\xff\xff\xff", "\xff\xff\xff\xff"},
		{"a\rb", "a\r\x00b", "a\rb"},
		{"\r\r\r\n\n", "\r\x00\r\x00\r\n\n", "\r\r\r\n\n"},
		{"\r\x00", "\r\x00\x00", "\r\x00"},
		{"\r\xff\n", "\r\x00\xff\xff\n", "\r\xff\xff\n"},
		{"", "", ""},
	} {
		for binary, want := range map[bool]string{false: c.out, true: c.binary} {
			e, bytewise := &encoder{binary: binary}, &encoder{binary: binary}
			assert.Equal(t, want, string(e.encode([]byte(c.in))), "%q", c.in)
			var out []byte
			for _, b := range []byte(c.in) {
				out = append(out, bytewise.encode([]byte{b})...)
			}
			assert.Equal(t, want, string(out), "%q, byte by byte", c.in)
		}
	}
}

// A CR that was written last gets its NUL when more follows that is no LF.
func TestCRAtTheEnd(t *testing.T) {
	e := &encoder{}
	assert.Equal(t, "a\r", string(e.encode([]byte("a\r"))))
	assert.Empty(t, e.encode(nil))
	assert.Equal(t, "\x00b\r", string(e.encode([]byte("b\r"))))
	e.setBinary(true)
	assert.Equal(t, "c", string(e.encode([]byte("c"))))
}

// However it is cut, what one side encodes the other decodes.
func FuzzCoding(f *testing.F) {
	f.Add([]byte("a\xff\xfd\x01\r\x00\xff\xfa\x18x\xff\xf0b\xff\xff\xff\xf6\r\r\n"), uint8(3), uint8(2), false)
	f.Add([]byte("\r\xff\n\r"), uint8(1), uint8(1), true)
	f.Fuzz(func(t *testing.T, in []byte, write, read uint8, binary bool) {
		e, d := &encoder{binary: binary}, &decoder{config: &Config{BareCR: true}, binary: binary}
		var wire, out []byte
		for p := in; len(p) > 0; {
			n := min(len(p), int(write)+1)
			wire = append(wire, e.encode(p[:n])...)
			p = p[n:]
		}
		if whole := (&encoder{binary: binary}).encode(in); !bytes.Equal(whole, wire) {
			t.Fatalf("%q became %q, and %q in pieces", in, whole, wire)
		}
		for p := wire; len(p) > 0; {
			n := min(len(p), int(read)+1)
			out = append(out, decode(d, string(p[:n]))...)
			p = p[n:]
		}
		if !bytes.Equal(in, out) {
			t.Fatalf("%q became %q and then %q", in, wire, out)
		}
	})
}
