package factory

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// appendSaid appends data as who has said it, in lines of a transcript: whole
// lines as C:, the rest of text as C|, and what is no text as C"...".
func appendSaid(b []byte, who byte, data []byte) []byte {
	for len(data) > 0 {
		n := bytes.IndexByte(data, '\n') + 1
		if n == 0 {
			n = len(data)
		}
		piece := string(data[:n])
		text, whole := strings.CutSuffix(piece, "\r\n")
		switch {
		case !readable(text):
			n = min(n, 64) // so that the file is
			b = strconv.AppendQuote(append(b, who), piece[:n])
		case whole && text == "":
			b = append(b, who, ':')
		case whole:
			b = append(append(b, who, ':', ' '), text...)
		default:
			b = append(append(b, who, '|', ' '), text...)
		}
		b = append(b, '\n')
		data = data[n:]
	}
	return b
}

// readable reports whether s is text that looks in an editor like what it is, and
// is left alone by it.
func readable(s string) bool {
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return false
		}
	}
	return !strings.HasSuffix(s, " ")
}
