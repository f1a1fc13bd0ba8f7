package chat

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// reserved are names that sound like the room itself.
var reserved = keys("admin", "administrator", "everyone", "localhost", "operator",
	"root", "server", "system", "you")

func keys(names ...string) map[string]bool {
	m := make(map[string]bool)
	for _, name := range names {
		m[nameKey(name)] = true
	}
	return m
}

// chosenName returns s as it is shown when somebody chooses it as a name. If it
// cannot be one, why says so in words for him. At most limit characters long, a
// name has none that could be taken for the end of it, and as few as we know that
// could make it look like another (see nameKey).
func chosenName(s string, limit int) (name, why string) {
	if len(s) > limit*utf8.UTFMax || utf8.RuneCountInString(s) > limit {
		return "", "A name has at most " + strconv.Itoa(limit) + " characters."
	}
	name, err := precis.UsernameCasePreserved.String(s)
	switch {
	case err != nil || !isSpelt(name) || utf8.RuneCountInString(name) > limit:
		return "", "A name has letters and digits, among them a letter, and '-', '_' or '.'."
	case !inOneScript(name):
		return "", "A name is written in one script."
	case reserved[nameKey(name)]:
		return "", "That name is not for members."
	}
	return name, ""
}

// isSpelt reports whether name has the characters of a name only. As it has a
// letter and no colon it cannot be an IP address.
func isSpelt(name string) bool {
	letters, marks := 0, 0
	for i, r := range name {
		switch {
		case unicode.IsLetter(r):
			letters++
			marks = 0
		case unicode.IsDigit(r):
			marks = 0
		case i > 0 && unicode.IsMark(r) && marks < 2:
			marks++
		case i > 0 && strings.ContainsRune("-_.", r):
			marks = 0
		default:
			return false
		}
	}
	return letters > 0
}

// inOneScript reports whether all letters are of one script, as otherwise a name
// with a Cyrillic "а" looks like one without. Chinese, Japanese and Korean are
// written in several together, and with Latin (UTS 39, "highly restrictive").
func inOneScript(name string) bool {
	first := ""
	for _, r := range name {
		if !unicode.IsLetter(r) {
			continue
		}
		s := script(r)
		if first == "" {
			first = s
		}
		if s != first {
			return false
		}
	}
	return true
}

const latinOrCJK = "Latin or CJK"

func script(r rune) string {
	if r < utf8.RuneSelf || unicode.In(r, unicode.Latin, unicode.Han, unicode.Hiragana,
		unicode.Katakana, unicode.Bopomofo, unicode.Hangul) {
		return latinOrCJK
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			return name
		}
	}
	return ""
}

// nameKey is the same for names that are the same to people. Names of hosts are
// their own.
func nameKey(name string) string {
	if key, err := precis.UsernameCaseMapped.CompareKey(name); err == nil {
		return lookalikes.Replace(key)
	}
	return name
}

// lookalikes has the letters that are taken for a Latin one on most terminals
// (UTS 39 knows many more), so that a name of them counts as that name.
var lookalikes = strings.NewReplacer(
	"а", "a", "с", "c", "ԁ", "d", "е", "e", "һ", "h", "і", "i", "ј", "j", "ӏ", "i", "о", "o", "р", "p", "ԛ", "q",
	"ѕ", "s", "ѵ", "v", "ԝ", "w", "х", "x", "у", "y", // Cyrillic
	"α", "a", "ι", "i", "ν", "v", "ο", "o", "ρ", "p", "υ", "u", // Greek
	"ı", "i", "ɡ", "g", "ɑ", "a", "l", "i")

// hostName returns a name for somebody from host, which may be an address with
// a zone, or nothing of use ("@" of a Unix socket).
func hostName(host string) string {
	for _, b := range []byte(host) {
		switch {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		case strings.IndexByte(".:%-_", b) >= 0:
		default:
			return "guest"
		}
	}
	if host == "" || len(host) > 64 {
		return "guest"
	}
	return host
}
