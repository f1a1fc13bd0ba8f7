package smtp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Paths that are read, and the canonical form in which they are handed on (RFC 5321,
// section 4.1.2; section 4.1.1.3 for routes).
func TestPaths(t *testing.T) {
	for in, want := range map[string]string{
		"<a@b>":                           "a@b",
		"<a.b-c+d_e%f@x.example>":         "a.b-c+d_e%f@x.example",
		"<!#$%&'*+-/=?^_`{|}~@x>":         "!#$%&'*+-/=?^_`{|}~@x",
		`<"a b"@x>`:                       `"a b"@x`,
		`<"a"@x>`:                         "a@x",
		`<"a..b"@x>`:                      `"a..b"@x`,
		`<"\a\"\\"@x>`:                    `"a\"\\"@x`,
		`<"v@other.org"@our.test>`:        `"v@other.org"@our.test`,
		`<"a>b"@x>`:                       `"a>b"@x`,
		`<""@x>`:                          `""@x`,
		"<a@[192.0.2.1]>":                 "a@[192.0.2.1]",
		"<a@[IPv6:2001:db8::1]>":          "a@[IPv6:2001:db8::1]",
		"<a@[ipv6:::ffff:192.0.2.1]>":     "a@[ipv6:::ffff:192.0.2.1]",
		"<@b.example,@c.example:a@x>":     "a@x",
		"<@[192.0.2.1]:a@x>":              "a@x",
		"<Postmaster>":                    "Postmaster",
		"<POSTMASTER@x>":                  "POSTMASTER@x",
		"<a@1.2.3>":                       "a@1.2.3",
		"<a@xn--bcher-kva.example>":       "a@xn--bcher-kva.example",
		"<" + l(64) + "@" + l(63) + ".x>": l(64) + "@" + l(63) + ".x",
		"<a@" + l255 + ">":                "a@" + l255,
	} {
		p := parser{rest: in}
		a, ok := p.path()
		assert.True(t, ok, in)
		assert.Empty(t, p.rest, in)
		assert.Equal(t, want, a.String(), in)
		again, err := ParseAddress(a.String())
		assert.NoError(t, err, in)
		assert.Equal(t, a, again, in)
	}
}

func l(n int) string { return strings.Repeat("l", n) }

// l255 is the longest domain.
var l255 = strings.Repeat(l(63)+".", 3) + l(63)

// What is none.
func TestNoPaths(t *testing.T) {
	for _, in := range []string{
		"", "<", ">", "<>", "a@b", "<a@b", "a@b>", "<a>", "<a@>", "<@b>", "<a@b@c>", "<a b@c>", "<a@b c>", "< a@b>", "<a@b >",
		"<a..b@c>", "<.a@c>", "<a.@c>", "<a@c.>", "<a@.c>", "<a@b..c>", "<a@-b>", "<a@b->", "<a@b_c>", "<<a@b>>", "<<a@b>",
		`<"a@b>`, `<a"b"@c>`, `<"a"b@c>`, `<"a\"@b>`, "<\"a\x00\"@b>", "<\"a\r\n\"@b>", "<\"a\\\x7f\"@b>", "<a\x80@b>", "<ü@b>", "<a@ü>",
		"<a@[1.2.3]>", "<a@[1.2.3.4>", "<a@[2001:db8::1]>", "<a@[IPv6:1.2.3.4]>", "<a@[IPv6:fe80::1%eth0]>", "<a@[]>", "<a@[tag:x]>",
		"<@b:@c:a@x>", "<@b,a@x>", "<@b,:a@x>", "<@b a@x>", "<@:a@x>",
		"<" + l(65) + "@x>", "<a@" + l(64) + ">", "<a@" + strings.Repeat("l.", 127) + "xx>", "<(c)a@b>", "<a,b@c>", "<a:b@c>", "<a;b@c>",
	} {
		p := parser{rest: in}
		_, ok := p.path()
		assert.False(t, ok && p.rest == "", in)
	}
}

// Beyond ASCII both parts may go where the client has said SMTPUTF8, as long as it
// can be seen (RFC 6531, section 3.3).
func TestPathsInUTF8(t *testing.T) {
	for in, want := range map[string]string{
		"<grün@müll.example>": "grün@müll.example",
		"<\"grün \"@müll>":    "\"grün \"@müll",
		"<用户@例子.测试>":          "用户@例子.测试",
		"<a\u202eb@x>":        "",
		"<a\u0085b@x>":        "",
		"<\"a\u2028b\"@x>":    "",
		"<\"a\\ü\"@x>":        "",
		"<a@b\u200bc>":        "",
	} {
		p := parser{rest: in, utf8: true}
		a, ok := p.path()
		require.Equal(t, want != "", ok, in)
		if ok {
			assert.Equal(t, want, a.String())
		}
	}
	_, err := ParseAddress("a\xff@b")
	assert.ErrorIs(t, err, ErrAddress)
}

// No path of a client makes the parser panic or means two things: what is read once
// is read as the same again, and holds no byte that could end a command or header.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"<a@b>", `<"a\"b"@[IPv6:::1]>`, "<@a,@b:c@d>", "<Postmaster>", "<ü@ü>", "<\"\\"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, utf8 bool) {
		p := parser{rest: s, utf8: utf8}
		a, ok := p.path()
		if !ok {
			return
		}
		text := a.String()
		assert.False(t, strings.ContainsAny(text, "\r\n\x00\x7f\x1b"), "%q", text)
		again, err := ParseAddress(text)
		assert.NoError(t, err, "%q", text)
		assert.Equal(t, a, again)
	})
}
