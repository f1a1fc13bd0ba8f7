package ftp

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// named is a command with the names of files in it, which the library says.
func (t *talk) named(verb string, f func() error, names ...string) error {
	for _, name := range names {
		if err := nameable(name); err != nil {
			return &ClientError{Verb: verb, Err: err}
		}
	}
	return t.plainly(f)
}

func (t *talk) rename(from, to string) error {
	return t.named("RNFR", func() error { return t.ftp.Rename(from, to) }, from, to)
}

func (t *talk) remove(name string) error {
	return t.named("DELE", func() error { return t.ftp.Delete(name) }, name)
}

func (t *talk) removeDir(name string) error {
	return t.named("RMD", func() error { return t.ftp.RemoveDir(name) }, name)
}

func (t *talk) mkdir(name string) error {
	return t.named("MKD", func() error { return t.ftp.MakeDir(name) }, name)
}

// mkdirAll makes the folder, and those above it that are not there. That one is there
// is no refusal of its own (RFC 959 has no code for it), so that is asked for.
func (t *talk) mkdirAll(name string) error {
	err := t.mkdir(name)
	if _, refused := errors.AsType[*Error](err); !refused || t.gone {
		return err
	}
	there, e := t.isFolder(name)
	if e != nil || there {
		return e
	}
	above := strings.TrimRight(name, "/")
	i := strings.LastIndexByte(above, '/')
	if i <= 0 {
		return err
	}
	if e := t.mkdirAll(above[:i]); e != nil {
		return e
	}
	return t.mkdir(name)
}

// isFolder asks by CWD, which all servers have, and comes back.
func (t *talk) isFolder(name string) (bool, error) {
	home, err := t.pwd()
	if err != nil {
		return false, err
	}
	if _, err := t.command("CWD " + name); err != nil {
		if _, refused := errors.AsType[*Error](err); refused && !t.gone {
			err = nil
		}
		return false, err
	}
	if _, err = t.command("CWD " + home); err != nil {
		t.gone = true // names would mean something else
	}
	return err == nil, err
}

// pwd is where names that do not begin with a slash begin.
func (t *talk) pwd() (string, error) {
	if t.home != "" {
		return t.home, nil
	}
	r, err := t.command("PWD")
	if err != nil {
		return "", err
	}
	name, ok := inQuotes(r.lines[0])
	if !ok || nameable(name) != nil {
		return "", &ClientError{Verb: "PWD", Err: fmt.Errorf("%w: %.80q", ErrProtocol, r.lines[0])}
	}
	t.home = name
	return name, nil
}

// inQuotes finds the name at the beginning of a 257, whose quotes are doubled (RFC 959,
// appendix II).
func inQuotes(text string) (name string, ok bool) {
	_, text, ok = strings.Cut(text, `"`)
	for ok {
		var part string
		part, text, ok = strings.Cut(text, `"`)
		name += part
		if !ok || !strings.HasPrefix(text, `"`) {
			break
		}
		name += `"`
		text = text[1:]
	}
	return name, ok
}

func (t *talk) modTime(name string) (at time.Time, err error) {
	if !t.ftp.IsGetTimeSupported() {
		return at, &ClientError{Verb: "MDTM", Err: errors.ErrUnsupported}
	}
	err = t.named("MDTM", func() (err error) { at, err = t.ftp.GetTime(name); return err }, name)
	return at, err
}

func (t *talk) setModTime(name string, at time.Time) error {
	if !t.ftp.IsSetTimeSupported() {
		return &ClientError{Verb: "MFMT", Err: errors.ErrUnsupported}
	}
	return t.named("MFMT", func() error { return t.ftp.SetTime(name, at) }, name)
}

// fileSize is size for who asks for nothing else.
func (t *talk) fileSize(name string) (n int64, err error) {
	err = t.named("SIZE", func() (err error) { n, err = t.ftp.FileSize(name); return err }, name)
	return n, err
}

// noop asks for any reply.
func (t *talk) noop() error { return t.plainly(t.ftp.NoOp) }
