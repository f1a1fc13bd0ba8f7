package chat

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"bob":                   "bob",
		"Bob_2.0-x":             "Bob_2.0-x",
		"2fast":                 "2fast",
		"Jürgen":                "Jürgen",
		"Ju\u0308rg":            "Jürg", // NFC
		"ｂｏｂ":                   "bob",  // width
		"Алиса":                 "Алиса",
		"क्ष":                   "क्ष",
		"山田タロウ":                 "山田タロウ",
		"Kim김":                  "Kim김",
		"":                      "",
		"bob says hi":           "",
		"bob:":                  "",
		"bob\u00a0":             "",
		"*":                     "",
		"-":                     "",
		"-bob":                  "",
		"007":                   "",
		"127.0.0.1":             "",
		"::1":                   "",
		"bob#2":                 "",
		"b\x1b[1mob":            "",
		"b\rob":                 "",
		"b\xffob":               "",
		"bob\u200b":             "",
		"bob\u202e":             "",
		"bob\u2028":             "",
		"\u0334bob":             "",
		"b\u0334\u0334\u0334ob": "",
		"\u3164":                "", // looks empty
		"bоb":                   "", // the o is Cyrillic
		"pаypal":                "",
		"server":                "",
		"SERVER":                "",
		"\U0001f600":            "",
		strings.Repeat("x", 20): strings.Repeat("x", 20),
		strings.Repeat("x", 21): "",
		strings.Repeat("世", 20): strings.Repeat("世", 20),
		strings.Repeat("x", 81): "",
	} {
		got, why := chosenName(in, 20)
		assert.Equal(t, want, got, "%q", in)
		assert.Equal(t, want == "", why != "", "%q: %s", in, why)
	}
}

func TestNamesThatAreTheSame(t *testing.T) {
	assert.Equal(t, nameKey("Bob"), nameKey("bOB"))
	assert.Equal(t, nameKey("JÜRG"), nameKey("ju\u0308rg"))
	assert.Equal(t, nameKey("ＢＯＢ"), nameKey("bob"))
	assert.NotEqual(t, nameKey("bob"), nameKey("rob"))
	assert.Equal(t, "127.0.0.1#2", nameKey("127.0.0.1#2"))
}

// A name is what it is: choosing it as it is shown gives the same, and it holds
// nothing that could end it.
func FuzzName(f *testing.F) {
	for _, s := range []string{"bob", "Ju\u0308rg", "ｂｏｂ", "क्ष", "a b", "\u0130", "ß", "\ufb01", "אבג1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, why := chosenName(s, 20)
		if (name == "") != (why != "") {
			t.Fatalf("%q: %q, %q", s, name, why)
		}
		if name == "" {
			return
		}
		cleaned, _ := clean(nil, []byte(name))
		if string(cleaned) != name || strings.ContainsAny(name, " :#*/%") || utf8.RuneCountInString(name) > 20 {
			t.Fatalf("%q became %q", s, name)
		}
		if again, why := chosenName(name, 20); again != name || why != "" {
			t.Fatalf("%q became %q and then %q", s, name, again)
		}
		if nameKey(s) != nameKey(name) {
			t.Fatalf("%q and %q are not the same", s, name)
		}
	})
}
