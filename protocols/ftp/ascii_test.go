package ftp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocoltest"
)

func toCRLF(pieces []string) string {
	var l lfToCRLF
	var b strings.Builder
	for _, p := range pieces {
		b.Write(l.convert([]byte(p)))
	}
	return b.String()
}

func toLF(pieces []string) string {
	var c crlfToLF
	var b []byte
	for _, p := range pieces {
		b = c.append(b, []byte(p))
	}
	return string(c.end(b))
}

// Text becomes that of the network and back, whatever the chunks are.
func TestASCII(t *testing.T) {
	for ours, theirs := range map[string]string{
		"": "", "a": "a", "\n": "\r\n", "a\nb\n": "a\r\nb\r\n", "\n\n": "\r\n\r\n", "a\rb\n": "a\rb\r\n", "\r\r": "\r\r", "a\r": "a\r",
	} {
		for cut, pieces := range protocoltest.Cuts(ours) {
			assert.Equal(t, theirs, toCRLF(pieces), "%q %s", ours, cut)
		}
		for cut, pieces := range protocoltest.Cuts(theirs) {
			assert.Equal(t, ours, toLF(pieces), "%q %s", theirs, cut)
		}
	}
	for cut, pieces := range protocoltest.Cuts("a\r\nb\n") {
		assert.Equal(t, "a\r\nb\r\n", toCRLF(pieces), cut)
	}
}

// The whole and its bytes agree, and what goes there comes back, but for a CR in front
// of an LF, which is lost.
func FuzzASCII(f *testing.F) {
	for _, s := range []string{"a\nb", "\r\n\r\r\n", "\r", "\n\r"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		bytes := strings.Split(s, "")
		there := toCRLF([]string{s})
		assert.Equal(t, there, toCRLF(bytes))
		assert.Equal(t, toLF([]string{s}), toLF(bytes))
		assert.Equal(t, strings.ReplaceAll(s, "\r\n", "\n"), toLF([]string{there}))
	})
}
