package ftp

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

const (
	// listChunk is about how much of a listing is handed on at once.
	listChunk = 32 << 10

	// maxPattern is as long as a name.
	maxPattern = 255
)

// A listing is what LIST or NLST are asked for.
type listing struct {
	dir     string      // a folder
	pattern string      // only what it fits, as path.Match has it; all if empty
	file    fs.FileInfo // only this, if not nil
}

// look finds out what a name stands for: what is in a folder, one file, or, if there is
// neither and its last part is a pattern, all in its folder that this fits.
func look(f Files, name string) (listing, error) {
	info, err := f.Stat(name)
	if err == nil && info.IsDir() {
		return listing{dir: name}, nil
	}
	if err == nil {
		return listing{file: info}, nil
	}
	dir, pattern := path.Dir(name), path.Base(name)
	if !errors.Is(err, fs.ErrNotExist) || !isPattern(pattern) {
		return listing{}, err
	}
	if info, e := f.Stat(dir); e != nil || !info.IsDir() {
		return listing{}, err
	}
	return listing{dir: dir, pattern: pattern}, nil
}

func isPattern(s string) bool {
	_, err := path.Match(s, "")
	return err == nil && len(s) <= maxPattern && strings.ContainsAny(s, "*?[")
}

// send calls emit for one chunk of whole lines after the other, each lent until emit
// returns, up to the end of the listing or the first error. It may block as long as f and
// emit do.
func (l listing) send(f Files, line lineFormat, emit func([]byte) error) error {
	if l.file != nil {
		return emit(line(nil, l.file))
	}
	var lines []byte
	var failed error
	err := f.ReadDir(l.dir, func(info fs.FileInfo) bool {
		if l.lists(info.Name()) {
			lines = line(lines, info)
		}
		if len(lines) >= listChunk {
			failed = emit(lines)
			lines = lines[:0]
		}
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err != nil || len(lines) == 0 {
		return err
	}
	return emit(lines)
}

// lists reports whether a name is to be listed. One that no line can hold is not: no
// command could name it. A star does not stand for a dot in front.
func (l listing) lists(name string) bool {
	if name == "" || strings.ContainsAny(name, "\r\n\x00") {
		return false
	}
	if l.pattern == "" {
		return true
	}
	if name[0] == '.' && l.pattern[0] != '.' {
		return false
	}
	fits, _ := path.Match(l.pattern, name)
	return fits
}

// listArgs takes the options from what follows LIST and NLST: RFC 959 has none, but
// clients send those of ls. Only -l means something, to NLST; dots in front are shown
// without -a, and -R shows one folder as well. A name that begins with a hyphen can be
// said as ./-x, or behind --.
func listArgs(arg string) (long bool, name string) {
	for isOption(arg) {
		option, rest, _ := strings.Cut(arg, " ")
		arg = strings.TrimLeft(rest, " ")
		if option == "--" {
			break
		}
		long = long || strings.Contains(option, "l")
	}
	return long, arg
}

// isOption reports whether an option comes first: a hyphen and letters or digits, or two.
func isOption(arg string) bool {
	option, _, _ := strings.Cut(arg, " ")
	if len(option) < 2 || option[0] != '-' {
		return false
	}
	return option == "--" || !strings.ContainsFunc(option[1:], func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9')
	})
}
