package ftp

import (
	"errors"
	"io"
	"io/fs"
	"iter"
	"path"
	"strings"
)

// list tells of files as ls -l does (RFC 959, section 4.1.3).
func (s *session) list(arg string) {
	_, name := listArgs(arg)
	s.sendLines(name, false, s.ls())
}

// nlst tells their names.
func (s *session) nlst(arg string) {
	long, name := listArgs(arg)
	if long {
		s.sendLines(name, false, s.ls())
		return
	}
	dir, _ := path.Split(name) // which the client puts in front of what it asks for
	s.sendLines(name, false, nameLines(""), nameLines(dir))
}

// mlsd tells what is in a folder (RFC 3659, section 7).
func (s *session) mlsd(name string) {
	s.sendLines(name, true, factLines(s.facts, s.account.Allow))
}

func (s *session) ls() lineFormat { return lsLines(s.Now(), "", "") }

// sendLines sends what look finds, in lines. The last format is for what is not all of
// a folder.
func (s *session) sendLines(name string, onlyFolders bool, formats ...lineFormat) {
	of, files := s.path(name), s.account.Files
	s.takeRest()
	d := &download{c: &s.data, what: "Here comes the list"}
	d.prepare = func() error {
		l, err := look(files, of)
		line := formats[0]
		switch {
		case err != nil:
			return err
		case onlyFolders && l.dir != of:
			return &Error{501, "Not a folder"}
		case l.file != nil || l.pattern != "":
			line = formats[len(formats)-1]
		}
		d.file = newListFile(l, files, line)
		return nil
	}
	s.data.begin(d)
}

// A listFile is a listing as a File that is read once, from its beginning on.
type listFile struct {
	next func() ([]byte, bool)
	stop func()
	rest []byte // of what next has returned
	err  error
}

func newListFile(l listing, f Files, line lineFormat) *listFile {
	r := &listFile{}
	r.next, r.stop = iter.Pull(func(yield func([]byte) bool) {
		r.err = l.send(f, line, func(p []byte) error {
			if !yield(p) {
				return fs.ErrClosed
			}
			return nil
		})
	})
	return r
}

// ReadAt reads on.
func (r *listFile) ReadAt(p []byte, _ int64) (n int, err error) {
	for n < len(p) {
		if len(r.rest) == 0 {
			var more bool
			if r.rest, more = r.next(); !more {
				return n, eofOr(r.err)
			}
		}
		k := copy(p[n:], r.rest)
		n += k
		r.rest = r.rest[k:]
	}
	return n, nil
}

func eofOr(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}

func (r *listFile) Close() error {
	r.stop()
	return nil
}

func (r *listFile) Stat() (fs.FileInfo, error) { return nil, errors.ErrUnsupported }

// mlst tells of one file over the control connection.
func (s *session) mlst(name string) {
	of := s.path(name)
	s.infoOf(of, func(i fs.FileInfo, err error) {
		if err != nil {
			s.fail(err)
			return
		}
		s.reply(250, "Facts:\n"+string(appendFacts(nil, i, s.facts, s.account.Allow))+of+"\nEnd")
	})
}

// maxStat is how many bytes STAT lists over the control connection.
const maxStat = 64 << 10

// statOf lists over the control connection (RFC 959, section 4.1.3).
func (s *session) statOf(arg string) {
	if s.account == nil || s.account.Allow&List == 0 {
		s.reply(550, "Permission denied")
		return
	}
	_, name := listArgs(arg)
	of, files, line := s.path(name), s.account.Files, s.ls()
	code := 212 // of a folder
	ask(s, func() (string, error) {
		l, err := look(files, of)
		if err != nil {
			return "", err
		}
		if l.file != nil {
			code = 213
		}
		var b strings.Builder
		err = l.send(files, line, func(p []byte) error {
			if b.Len()+len(p) > maxStat {
				return errTooLarge
			}
			b.Write(p)
			return nil
		})
		return b.String(), err
	}, func(lines string, err error) {
		if err != nil {
			s.fail(err)
			return
		}
		s.reply(code, "Status:\n"+strings.ReplaceAll(lines, "\r\n", "\n")+"End")
	})
}

var errTooLarge = errors.New("ftp: too much to list here")
