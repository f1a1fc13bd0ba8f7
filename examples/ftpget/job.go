package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// A job is an order that is carried out, on a goroutine of its own.
type job struct {
	order
	ctx    context.Context
	client *ftp.Client
}

// arg is the argument n; otherwise if there is none.
func (j *job) arg(n int, otherwise string) string {
	if n < len(j.args) {
		return j.args[n]
	}
	return otherwise
}

// get fetches a file.
func (j *job) get() error {
	remote := j.args[0]
	if j.arg(1, "") == "-" {
		_, err := j.client.GetContext(j.ctx, remote, os.Stdout, 0)
		return err
	}
	local, err := j.local(remote)
	if err != nil {
		return err
	}
	d, err := newDraft(local, j.resume)
	if err != nil {
		return err
	}
	_, err = j.client.GetContext(j.ctx, remote, d, d.offset)
	return d.end(err)
}

// local is where a file comes to be: in a folder by its own name.
func (j *job) local(remote string) (string, error) {
	local := j.arg(1, ".")
	info, err := os.Stat(local)
	if err == nil && info.IsDir() {
		name := path.Base(remote)
		if !filepath.IsLocal(name) || name == "." {
			return "", fmt.Errorf("%w: %q here", ftp.ErrName, name)
		}
		local = filepath.Join(local, name)
		info, err = os.Stat(local)
	}
	switch {
	case err != nil: // most likely there is nothing; otherwise it shows
		return local, nil
	case info.IsDir():
		err = &fs.PathError{Op: "get", Path: local, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		err = &fs.PathError{Op: "get", Path: local, Err: errors.New("it is no file, and - is the standard output")}
	}
	return local, err
}

// put stores a file.
func (j *job) put() error {
	local := j.args[0]
	if local == "-" {
		_, err := j.client.PutContext(j.ctx, j.args[1], os.Stdin, 0)
		return err
	}
	f, err := os.Open(local)
	if err != nil {
		return &noInput{err}
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return &noInput{&fs.PathError{Op: "put", Path: local, Err: syscall.EISDIR}}
	}
	remote := j.arg(1, filepath.Base(local))
	var offset int64
	if j.resume {
		if offset, err = j.there(f, remote); err != nil {
			return err
		}
	}
	_, err = j.client.PutContext(j.ctx, remote, f, offset)
	return err
}

// A noInput is the error of what cannot be read here.
type noInput struct{ error }

func (e *noInput) Unwrap() error { return e.error }

// there is how much of a file is at the server already. f stands behind that.
func (j *job) there(f *os.File, remote string) (int64, error) {
	n, err := j.client.SizeContext(j.ctx, remote)
	refused, _ := errors.AsType[*ftp.Error](err)
	if refused != nil && refused.Code == 550 { // nothing is there
		n, err = 0, nil
	}
	if err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, &noInput{err}
	}
	if n > info.Size() {
		return 0, fmt.Errorf("%w: %d bytes are there, %d here", ftp.ErrSize, n, info.Size())
	}
	return f.Seek(n, io.SeekStart)
}

// list prints what is in a folder.
func (j *job) list() error {
	l, err := j.client.ListContext(j.ctx, j.arg(0, ""))
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	for _, e := range l.Entries {
		size, at := "-", "-"
		if e.Size >= 0 && e.Type == ftp.TypeFile {
			size = fmt.Sprint(e.Size)
		}
		if !e.Modified.IsZero() {
			at = e.Modified.UTC().Format("2006-01-02 15:04:05")
		}
		fmt.Fprintf(out, "%-6v %12s %19s %s\n", e.Type, size, at, plain(e.Name))
	}
	for _, line := range l.Unusable {
		fmt.Fprintf(os.Stderr, "not usable: %s\n", plain(line))
	}
	return out.Flush()
}

// plain is s without what would move a terminal's cursor, or worse.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

func (j *job) mirror() error {
	m, err := j.client.DownloadContext(j.ctx, ftp.Mirror{Remote: j.args[0], Local: j.args[1], Resume: j.resume})
	return report(m, err)
}

func (j *job) upload() error {
	if _, err := os.Stat(j.args[0]); errors.Is(err, fs.ErrNotExist) {
		return &noInput{err}
	}
	m, err := j.client.UploadContext(j.ctx, ftp.Mirror{Remote: j.args[1], Local: j.args[0], Resume: j.resume})
	return report(m, err)
}

// report says what became of a mirror. Its error is that of what would have to be tried
// again soonest.
func report(m ftp.Mirrored, err error) error {
	fmt.Printf("%d files, %d bytes; %d unchanged, %d skipped\n", m.Files, m.Bytes, m.Unchanged, len(m.Skipped))
	for _, s := range m.Skipped {
		fmt.Fprintf(os.Stderr, "%s: %v\n", plain(s.Name), s.Err)
		if err == nil && !errors.Is(s.Err, ftp.ErrLink) && !errors.Is(s.Err, ftp.ErrNotRegular) {
			err = &skipped{s.Err}
		}
		if e, ok := errors.AsType[*skipped](err); ok && statusOf(s.Err) == exTempFail {
			e.error = s.Err
		}
	}
	return err
}

// A skipped is an error that has been told.
type skipped struct{ error }

func (e *skipped) Unwrap() error { return e.error }
