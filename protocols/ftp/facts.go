package ftp

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// facts are those that a client wants of each file (RFC 3659, section 7.5).
type facts uint8

const (
	factType facts = 1 << iota
	factSize
	factModify
	factPerm
	factUnique
	factMode

	allFacts = factType | factSize | factModify | factPerm | factUnique | factMode
)

// factNames are in the order in which facts are told.
var factNames = []struct {
	fact facts
	name string
}{
	{factType, "type"}, {factSize, "size"}, {factModify, "modify"},
	{factPerm, "perm"}, {factUnique, "unique"}, {factMode, "UNIX.mode"},
}

// parseFacts reads what OPTS MLST asks for. What is not known is not told (section 7.9).
func parseFacts(s string) (want facts) {
	for name := range strings.SplitSeq(s, ";") {
		for _, known := range factNames {
			if strings.EqualFold(name, known.name) {
				want |= known.fact
			}
		}
	}
	return want
}

// String is what the reply to OPTS MLST says: "type;size;".
func (f facts) String() string {
	var b strings.Builder
	for _, known := range factNames {
		if f&known.fact != 0 {
			b.WriteString(known.name + ";")
		}
	}
	return b.String()
}

// feature is what FEAT says: all facts, and which are wanted (section 7.8).
func (f facts) feature() string {
	var b strings.Builder
	for _, known := range factNames {
		b.WriteString(known.name)
		if f&known.fact != 0 {
			b.WriteByte('*')
		}
		b.WriteByte(';')
	}
	return b.String()
}

// appendFacts appends the facts of a file, and the space that ends them.
func appendFacts(b []byte, info fs.FileInfo, want facts, may Permission) []byte {
	mode := info.Mode()
	if want&factType != 0 {
		b = append(append(append(b, "type="...), factKind(mode)...), ';')
	}
	if want&factSize != 0 && mode.IsRegular() {
		b = append(strconv.AppendInt(append(b, "size="...), max(0, info.Size()), 10), ';')
	}
	if want&factModify != 0 {
		b = append(appendTimeVal(append(b, "modify="...), info.ModTime()), ';')
	}
	if want&factPerm != 0 {
		b = append(appendPerm(append(b, "perm="...), info, may), ';')
	}
	if id := uniqueOf(info); want&factUnique != 0 && id != "" {
		b = append(append(append(b, "unique="...), id...), ';')
	}
	if want&factMode != 0 {
		b = fmt.Appendf(b, "UNIX.mode=%04o;", mode.Perm())
	}
	return append(b, ' ')
}

// factKind is the value of type. What is neither file nor folder is called as other
// servers on Unix call it.
func factKind(mode fs.FileMode) string {
	switch mode.Type() {
	case 0:
		return "file"
	case fs.ModeDir:
		return "dir"
	case fs.ModeSymlink:
		return "OS.unix=slink"
	case fs.ModeNamedPipe:
		return "OS.unix=fifo"
	case fs.ModeSocket:
		return "OS.unix=socket"
	}
	return "OS.unix=device"
}

// permLetters are what a user may do with a file or a folder (section 7.5.5). The
// folder of all is neither removed nor renamed, and what is neither file nor folder only
// that.
var permLetters = []struct {
	letter           byte
	may              Permission
	file, dir, other bool
}{
	{letter: 'a', may: Modify, file: true}, // APPE
	{letter: 'c', may: Create, dir: true},  // STOR in it
	{letter: 'd', may: Delete, file: true, dir: true, other: true},
	{letter: 'e', may: List, dir: true}, // CWD
	{letter: 'f', may: Rename, file: true, dir: true, other: true},
	{letter: 'l', may: List, dir: true},
	{letter: 'm', may: Mkdir, dir: true},
	{letter: 'p', may: Delete, dir: true}, // DELE in it
	{letter: 'r', may: Read, file: true},
	{letter: 'w', may: Modify, file: true}, // STOR
}

func appendPerm(b []byte, info fs.FileInfo, may Permission) []byte {
	file, dir, top := info.Mode().IsRegular(), info.IsDir(), info.Name() == "/"
	for _, p := range permLetters {
		applies := file && p.file || dir && p.dir && !(top && p.file) || !file && !dir && p.other
		if applies && may&p.may != 0 {
			b = append(b, p.letter)
		}
	}
	return b
}

// uniqueOf tells files apart, and says of two names that they are one file. It is empty
// where nobody knows.
func uniqueOf(info fs.FileInfo) string {
	if u, ok := info.(interface{ unique() string }); ok {
		return u.unique()
	}
	device, file, ok := identity(info)
	if !ok {
		return ""
	}
	return strconv.FormatUint(device, 16) + "g" + strconv.FormatUint(file, 16)
}
