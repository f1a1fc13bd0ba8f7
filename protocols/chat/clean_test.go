package chat

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain ~!":                                     "plain ~!",
		"Grüße, 世界 \U0001f600":                         "Grüße, 世界 \U0001f600",
		"a\tb\u00a0c\u3000d":                           "a b c d",
		"a\rbob says b\nc\vd\fe\x00f\bg":               "a bob says b c d efg",
		"\x1b[31mred\x1b]0;title\a\x9b2J":              "[31mred]0;title\ufffd2J",
		"\u009b2J\u0085x\u007f":                        "2J x",
		"a\u2028b\u2029c":                              "a b c",
		"\u202eevil\u2066\u200f\u061c":                 "evil",
		"zero\u200bwidth\ufeff\u2060\u00ad\U000e0041":  "zerowidth",
		"latin-1: gr\xfc\xdfe\xff\xfe":                 "latin-1: gr\ufffde\ufffd",
		"\xe2\x82":                                     "\ufffd",
		"\xed\xa0\x80 \xc0\xaf":                        "\ufffd \ufffd",
		"\xff\x1b\xff":                                 "\ufffd",
		"private \ue000 unassigned \U000e0fff \ufffe":  "private \ufffd unassigned \ufffd \ufffd",
		"Z" + strings.Repeat("\u0334", 50) + "a\u0334": "Z" + strings.Repeat("\u0334", 4) + "a\u0334",
		"\u200d\u200d\u200d\u200d\u200d\u200dx":        "\u200d\u200d\u200d\u200dx",
		"\U0001f469\u200d\u2764\ufe0f\u200d\U0001f468": "\U0001f469\u200d\u2764\ufe0f\u200d\U0001f468",
		"": "",
	} {
		got, _ := clean(nil, []byte(in))
		assert.Equal(t, want, string(got), "%q", in)
	}
}

// What is plain is not copied, and the buffer is used again.
func TestCleanReusesMemory(t *testing.T) {
	plain := []byte("plain")
	buf := make([]byte, 0, 64)
	text, next := clean(buf, plain)
	assert.Same(t, &plain[0], &text[0])
	assert.Equal(t, cap(buf), cap(next))
	text, _ = clean(buf, []byte("größer"))
	assert.Same(t, &buf[:1][0], &text[0])
}

// Whatever comes in, what goes out is one harmless line of UTF-8, and cleaning it
// again changes nothing.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"plain", "\x1b[2J\u202e\u2028", "\xff\xc3\x28\u0334\u0334\u0334\u0334\u0334", "\u200d\t\u0600\ue000"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, _ := clean(nil, bytes.Clone(in))
		if !utf8.Valid(got) || len(got) > 3*len(in) {
			t.Fatalf("%q became %q", in, got)
		}
		marks := 0
		for _, r := range string(got) {
			if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("%q became %q", in, got)
			}
			marks++
			if !isMark(r) {
				marks = 0
			}
			if marks > maxMarks {
				t.Fatalf("%q became %q", in, got)
			}
		}
		if again, _ := clean(nil, bytes.Clone(got)); !bytes.Equal(got, again) {
			t.Fatalf("%q became %q and then %q", in, got, again)
		}
	})
}
