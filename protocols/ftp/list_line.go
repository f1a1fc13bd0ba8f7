package ftp

import (
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// A lineFormat appends the line that tells of a file, with its end.
type lineFormat func(b []byte, info fs.FileInfo) []byte

// nameLines are what NLST sends. The prefix stands before each name: what the client has
// said of the folder, if it has sent a pattern, so that it can use what it gets.
func nameLines(prefix string) lineFormat {
	return func(b []byte, info fs.FileInfo) []byte {
		b = append(append(b, prefix...), info.Name()...)
		return append(b, '\r', '\n')
	}
}

// factLines are what MLSD sends.
func factLines(want facts, may Permission) lineFormat {
	return func(b []byte, info fs.FileInfo) []byte {
		b = append(appendFacts(b, info, want, may), info.Name()...)
		return append(b, '\r', '\n')
	}
}

// recent is how long ls tells the time of a file; later it tells the year.
const recent = 182 * 24 * time.Hour

// lsLines are what LIST sends: what ls -l does, since that is what clients can read, in
// UTC and English. All files are of one owner and group, "ftp" if empty.
func lsLines(now time.Time, owner, group string) lineFormat {
	whose := fmt.Sprintf("%-8s %-8s", oneWord(owner), oneWord(group))
	return func(b []byte, info fs.FileInfo) []byte {
		size := int64(0)
		if info.Mode().IsRegular() {
			size = max(0, info.Size())
		}
		at, form := fourDigits(info.ModTime()), "Jan _2  2006"
		if at.After(now.Add(-recent)) && !at.After(now) {
			form = "Jan _2 15:04"
		}
		b = appendMode(b, info.Mode())
		b = fmt.Appendf(b, "   1 %s %12d ", whose, size)
		b = append(append(at.AppendFormat(b, form), ' '), info.Name()...)
		if l, ok := info.(interface{ target() string }); ok {
			b = appendTarget(b, l.target())
		}
		return append(b, '\r', '\n')
	}
}

// appendTarget appends where a link leads to, as ls does: some clients cannot read the line
// of a link without an arrow.
func appendTarget(b []byte, target string) []byte {
	if target == "" {
		target = "?"
	}
	return appendClean(append(b, " -> "...), target)
}

// oneWord is a name that does not break a line, nor its columns.
func oneWord(s string) string {
	if s == "" {
		return "ftp"
	}
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return '_'
		}
		return r
	}, s)
}

// appendMode appends a mode as ls shows it.
func appendMode(b []byte, mode fs.FileMode) []byte {
	kind := byte('-')
	switch mode.Type() {
	case fs.ModeDir:
		kind = 'd'
	case fs.ModeSymlink:
		kind = 'l'
	case fs.ModeNamedPipe:
		kind = 'p'
	case fs.ModeSocket:
		kind = 's'
	case fs.ModeDevice:
		kind = 'b'
	case fs.ModeDevice | fs.ModeCharDevice:
		kind = 'c'
	}
	b = append(b, kind)
	for i, c := range []byte("rwxrwxrwx") {
		if mode&(0o400>>i) == 0 {
			c = '-'
		}
		b = append(b, c)
	}
	return b
}
