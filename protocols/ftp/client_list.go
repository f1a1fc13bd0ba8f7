package ftp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	goftp "github.com/jlaffaye/ftp"
)

// A Listing is what is in a folder.
type Listing struct {
	Entries []Entry

	// Unusable are the lines that say nothing, or nothing that may be used: names
	// that are empty, ., .. or hold a slash would lead elsewhere.
	Unusable []string
}

// An Entry is a file or folder in a Listing.
type Entry struct {
	Name     string
	Type     EntryType
	Size     int64     // -1 if it is not known
	Modified time.Time // zero if it is not known
	Exact    bool      // Modified is true to the second, and in UTC, which LIST cannot say
	Target   string    // of a link, if it is known
}

// An EntryType says what an Entry is.
type EntryType uint8

const (
	TypeOther  EntryType = iota // a device, or something that nobody knows
	TypeFile                    // a regular file
	TypeFolder                  // a folder
	TypeLink                    // a symbolic link
)

// String names the type: file, folder, link or other.
func (t EntryType) String() string {
	switch t {
	case TypeFile:
		return "file"
	case TypeFolder:
		return "folder"
	case TypeLink:
		return "link"
	}
	return "other"
}

const maxListLine = 16 << 10

// list lists a folder by MLSD (RFC 3659, section 7) where the server has it, and
// otherwise by LIST, whose lines are for people: the library guesses what they say.
func (t *talk) list(name string) (l Listing, err error) {
	if err = sayable(name); err != nil {
		return l, &ClientError{Verb: "LIST", Err: err}
	}
	facts := t.ftp.IsTimePreciseInList()
	if !facts && strings.HasPrefix(name, "-") { // which would be an option of ls
		name = "./" + name
	}
	in := &lines{max: t.config.MaxEntries, marked: !facts}
	t.next = stream{lines: in}
	t.wire.patience = t.config.Timeouts.Command
	guessed, err := t.ftp.List(name)
	if errors.Is(in.err, ErrProtocol) {
		t.gone = true
		return l, &ClientError{Verb: t.wire.verb, Err: in.err}
	}
	if err != nil {
		return l, t.settle(nil, err)
	}
	for _, line := range in.all {
		var e Entry
		known := false
		if facts {
			e, known = readFacts(line)
		} else {
			e, known, guessed = guess(guessed)
		}
		l.add(e, known, line)
	}
	return l, nil
}

// add adds what a line says, if that is of use.
func (l *Listing) add(e Entry, known bool, line string) {
	folder := e.Type == TypeFolder && (e.Name == "." || e.Name == "..")
	switch {
	case folder, line == "", !known && strings.HasPrefix(line, "total "):
	case !known || !usable(e.Name) || strings.Contains(line, "\x00"):
		l.Unusable = append(l.Unusable, line)
	default:
		l.Entries = append(l.Entries, e)
	}
}

// usable reports whether name is that of something in the folder in which it stands.
func usable(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.Contains(name, "/") && sayable(name) == nil
}

// readFacts reads a line of MLSD or MLST. What is unknown of it is left out. The
// folder itself and the one above have names of any kind, and are called by dots.
func readFacts(line string) (e Entry, ok bool) {
	facts, name, ok := strings.Cut(line, " ")
	e = Entry{Name: name, Size: -1}
	for fact := range strings.SplitSeq(facts, ";") {
		key, value, found := strings.Cut(fact, "=")
		if !found && fact != "" {
			return e, false
		}
		switch strings.ToLower(key) {
		case "type":
			e.is(value)
		case "size":
			if n, err := strconv.ParseUint(value, 10, 63); err == nil {
				e.Size = int64(n)
			}
		case "modify":
			if at, err := time.Parse("20060102150405", value); err == nil {
				e.Modified, e.Exact = at, true
			}
		}
	}
	return e, ok
}

func (e *Entry) is(value string) {
	kind, target, _ := strings.Cut(value, ":")
	switch strings.ToLower(kind) {
	case "file":
		e.Type = TypeFile
	case "dir":
		e.Type = TypeFolder
	case "cdir":
		e.Type, e.Name = TypeFolder, "."
	case "pdir":
		e.Type, e.Name = TypeFolder, ".."
	case "os.unix=slink", "os.unix=symlink":
		e.Type, e.Target = TypeLink, target
	}
}

// guess takes what the library has made of the next line, up to the mark behind it.
func guess(all []*goftp.Entry) (e Entry, known bool, rest []*goftp.Entry) {
	for i, g := range all {
		if g.Name == mark {
			return e, known, all[i+1:]
		}
		e = Entry{Name: g.Name, Size: int64(g.Size), Modified: g.Time, Target: g.Target}
		e.Type = map[goftp.EntryType]EntryType{
			goftp.EntryTypeFile: TypeFile, goftp.EntryTypeFolder: TypeFolder, goftp.EntryTypeLink: TypeLink,
		}[g.Type]
		if e.Type != TypeFile || e.Size < 0 {
			e.Size = -1
		}
		known = true
	}
	return e, known, nil
}

// mark is the name in a line that is put behind each of a LIST. The library leaves out
// those that it cannot read, and would not say which; this one it can.
const mark = "\x00"

// lines reads a listing, keeps its lines, and bounds them.
type lines struct {
	max    int  // lines; and 256 times as many bytes
	marked bool // the library reads them, with marks; otherwise it reads nothing

	from io.Reader
	in   *bufio.Reader
	all  []string
	size int
	out  []byte
	err  error
}

func (l *lines) Read(p []byte) (int, error) {
	for len(l.out) == 0 {
		if l.err != nil {
			return 0, l.err
		}
		l.err = l.next()
	}
	n := copy(p, l.out)
	l.out = l.out[n:]
	return n, nil
}

// next reads a line. The last may have no end.
func (l *lines) next() error {
	if l.in == nil {
		l.in = bufio.NewReaderSize(l.from, maxListLine)
	}
	b, err := l.in.ReadSlice('\n')
	l.size += len(b)
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return fmt.Errorf("%w: a line of %d bytes or more in a listing", ErrProtocol, len(b))
	case len(b) > 0 && len(l.all) == l.max || l.size > l.max<<8:
		return fmt.Errorf("%w: a listing of more than %d entries or %d bytes", ErrProtocol, l.max, l.max<<8)
	case len(b) == 0 || err != nil && err != io.EOF:
		return err
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	l.all = append(l.all, line)
	if l.marked {
		if strings.Contains(line, mark) {
			line = ""
		}
		l.out = append(append(l.out[:0], line...), "\r\ntype=file; "+mark+"\r\n"...)
	}
	return err
}
