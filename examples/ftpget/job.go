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

// get fetches a file. It has another name until it is whole.
func (j *job) get() error {
	remote := j.args[0]
	local := j.arg(1, path.Base(remote))
	if local == "-" {
		_, err := j.client.GetContext(j.ctx, remote, os.Stdout, 0)
		return err
	}
	if len(j.args) == 1 && (!filepath.IsLocal(local) || local == ".") {
		return fmt.Errorf("%w: %q here", ftp.ErrName, local)
	}
	part := local + ".part"
	how := os.O_WRONLY | os.O_CREATE
	if !j.resume {
		how |= os.O_TRUNC
	}
	f, err := os.OpenFile(part, how, 0o666)
	if err != nil {
		return err
	}
	offset, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = j.client.GetContext(j.ctx, remote, f, offset)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		if !j.resume || errors.Is(err, ftp.ErrSize) {
			err = errors.Join(err, os.Remove(part))
		}
		return err
	}
	return os.Rename(part, local)
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
		fmt.Fprintf(out, "%c %12s %19s %s\n", "?-dl"[e.Type], size, at, plain(e.Name))
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
