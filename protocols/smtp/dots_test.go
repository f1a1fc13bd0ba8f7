package smtp

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocoltest"
)

// undot feeds pieces and returns the message, and what is left behind its end.
func undot(pieces []string) (message, rest string, end bool) {
	var d dots
	var b bytes.Buffer
	for i, p := range pieces {
		n, end := d.feed([]byte(p), func(q []byte) { b.Write(q) })
		if end {
			return b.String(), p[n:] + strings.Join(pieces[i+1:], ""), true
		}
	}
	return b.String(), "", false
}

// Where a message ends, and what it is then, however the network cuts it.
func TestEndOfData(t *testing.T) {
	for _, c := range []struct{ in, message, rest string }{
		{".\r\nQUIT", "", "QUIT"},
		{"a\r\n.\r\n", "a\r\n", ""},
		{"a\r\n..\r\n.\r\nX", "a\r\n.\r\n", "X"},
		{"..a\r\n...\r\n.b\r\n.\r\n.\r\n", ".a\r\n..\r\nb\r\n", ".\r\n"},
		{"a.\r\n.\r\n", "a.\r\n", ""},
		{"\r\n.\r\n", "\r\n", ""},
		// With a CR or LF on its own none of these is an end but the last.
		{"a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", ""},
		{"a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", ""},
		{"a\r.\r\nb\r\n.\r\n", "a\r.\r\nb\r\n", ""},
		{"a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", ""},
		{"a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", ""},
		{"a\r\n.\r\r\nb\r\n.\r\n", "a\r\n\r\r\nb\r\n", ""},
		{"a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", ""},
		{"a\r\r\n.\r\nQUIT", "a\r\r\n", "QUIT"},
		{"\n.\r\n.\r\n", "\n.\r\n", ""},
		{"a\x00\r\n.\x00\r\n.\r\n", "a\x00\r\n\x00\r\n", ""},
	} {
		for cut, pieces := range protocoltest.Cuts(c.in) {
			message, rest, end := undot(pieces)
			assert.True(t, end, "%q %s", c.in, cut)
			assert.Equal(t, c.message, message, "%q %s", c.in, cut)
			assert.Equal(t, c.rest, rest, "%q %s", c.in, cut)
		}
	}
}

// What looks like an end to others is none, and nothing is one before it is whole.
func TestNoEndOfData(t *testing.T) {
	for _, in := range []string{
		"", ".", ".\r", ".\n", ".\r.\r\n", "a\r\n.", "a\r\n.\r", "a\n.\n", "a\n.\r\n", "a\r.\r\n", "a\r.\r", "a\r\n.\n", "a\r\n.\r.\n",
		"a\r\n.\r\r\n", "a\r\n..\r\n", "a\r\n \r\n.", "a\r\n.\x00\r\n", "a\r\n\x00.\r\n", "a\r\n.\x1a\r\n", " .\r\n",
	} {
		for cut, pieces := range protocoltest.Cuts(in) {
			_, _, end := undot(pieces)
			assert.False(t, end, "%q %s", in, cut)
		}
	}
}

// The whole and its single bytes agree, and both with the definition: the end is the
// first CRLF.CRLF when a CRLF is thought in front of the message.
func FuzzDots(f *testing.F) {
	for _, s := range []string{"a\r\n.\r\n", ".\r\n", "..\r\n.\r\nX", "a\n.\r\n\r\r\n.\r\n", "\r\n.\r.\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		message, rest, end := undot([]string{in})
		byBytes, rest1, end1 := undot(strings.Split(in, ""))
		assert.Equal(t, end, end1)
		if end {
			assert.Equal(t, message, byBytes)
			assert.Equal(t, rest, rest1)
		}
		stuffed, after, found := strings.Cut("\r\n"+in, "\r\n.\r\n")
		assert.Equal(t, found, end, "%q", in)
		if found {
			assert.Equal(t, after, rest)
			want := strings.ReplaceAll(stuffed, "\r\n.", "\r\n")
			assert.Equal(t, strings.TrimPrefix(want+"\r\n", "\r\n"), message)
		}
	})
}
