package ftp

import (
	"errors"
	"io/fs"

	"github.com/torsion-go/torsion/protocol"
)

// maxPending is how many bytes of an upload wait for the disk before no more is read.
const maxPending = 1 << 20

// An upload receives a file.
type upload struct {
	c       *channel
	prepare func() (Upload, error) // on a worker
	what    string
	name    string // of the file
	file    Upload
	ascii   bool
	n       int64
	crlf    crlfToLF
	buf     []byte // received, not written
	spare   []byte // for the next buf
	writing bool
	whole   bool // all is in buf, or written
	done    bool // nothing is left to close
	t       protocol.Transport
	paused  bool
}

func (u *upload) open() (err error) {
	u.file, err = u.prepare()
	return err
}

func (u *upload) greeting() string { return u.what }

func (u *upload) moved() int64 { return u.n }

func (u *upload) path() string { return u.name }

func (u *upload) closer() func() error {
	if u.file == nil || u.done {
		return nil
	}
	return u.file.Close
}

func (u *upload) start(t protocol.Transport) {
	u.t = t
	u.progress()
}

// progress says that something moves. Of a download the connection knows best, also when
// its bytes pass nobody here (SlowPeerTimeout).
func (u *upload) progress() { u.c.within(u.c.s.server.TransferTimeout, u.stalled) }

// stalled ends an upload of which nothing comes, unless a throttle keeps it from being
// read: that may be for longer, and is not the client's fault.
func (u *upload) stalled() {
	if !u.paused && !u.t.Reading() {
		u.progress()
		return
	}
	u.c.end(Error{426, "Nothing moves any more"})
}

// resumed gives the client his time anew.
func (u *upload) resumed() { u.progress() }

func (u *upload) received(p []byte) {
	u.progress()
	u.n += int64(len(p))
	if u.ascii {
		u.buf = u.crlf.append(u.buf, p)
	} else {
		u.buf = append(u.buf, p...)
	}
	u.write()
	u.pace()
}

// pace has no more read while too much waits for the disk.
func (u *upload) pace() {
	full := len(u.buf) >= maxPending
	switch {
	case full == u.paused:
		return
	case full:
		u.t.PauseReading()
	default:
		u.t.ResumeReading()
	}
	u.paused = full
}

// eof is the end of the file.
func (u *upload) eof() {
	u.whole = true
	u.c.state = flushing
	u.c.stopTimer()
	if u.ascii {
		u.buf = u.crlf.end(u.buf)
	}
	u.write()
}

// lost leaves nothing, or what a file that is written in place has got.
func (u *upload) lost(reason error) { u.c.broke(reason) }

// write has a worker write what there is, and then the rest.
func (u *upload) write() {
	switch {
	case u.writing || u.c.over:
	case len(u.buf) > 0:
		u.writing = true
		p := u.buf
		u.buf = u.spare[:0]
		u.c.work(func() error {
			_, err := u.file.Write(p)
			return err
		}, func(err error) {
			u.writing = false
			u.spare = p[:0]
			u.written(err)
		})
	case u.whole:
		u.writing = true
		u.c.work(u.commit, u.committed)
	}
}

func (u *upload) written(err error) {
	if err != nil {
		u.fail(err)
		return
	}
	if !u.whole {
		u.progress()
	}
	u.write()
	u.pace()
}

func (u *upload) commit() (err error) {
	defer func() { err = errors.Join(err, u.file.Close()) }() // also if Commit panics
	return u.file.Commit()
}

func (u *upload) committed(err error) {
	u.done = true
	if err != nil {
		u.fail(err)
		return
	}
	u.c.end(Error{226, "Transfer complete"})
}

func (u *upload) fail(err error) { u.c.refuse(*u.c.s.errorOf(err)) }

// stor receives a file, which appears when it is whole; from an offset on it is written
// in place (RFC 959, section 4.1.3; RFC 3659, section 5).
func (s *session) stor(name string) {
	to, files, may := s.path(name), s.account.Files, s.account.Allow
	off, ok := s.offset()
	if !ok {
		return
	}
	if may&(Create|Modify) == 0 || off > 0 && may&Modify == 0 {
		s.refuse(deed{what: deeds["STOR"], path: to}, fs.ErrPermission)
		return
	}
	s.receive("Send it", to, func() (Upload, error) {
		if off > 0 {
			return files.Append(to, off)
		}
		if err := mayMake(files, to, may); err != nil {
			return nil, err
		}
		return files.Create(to, may&Modify == 0)
	})
}

// mayMake is an error if a file is not there, and may not be made.
func mayMake(files Files, name string, may Permission) error {
	if may&Create != 0 {
		return nil
	}
	if _, err := files.Stat(name); err != nil {
		return fs.ErrPermission
	}
	return nil
}

// appe adds to a file.
func (s *session) appe(name string) {
	to, files, may := s.path(name), s.account.Files, s.account.Allow
	s.takeRest()
	s.receive("Send it", to, func() (Upload, error) {
		if err := mayMake(files, to, may); err != nil {
			return nil, err
		}
		return files.Append(to, -1)
	})
}

// stou receives a file under a name that no other has (RFC 1123, section 4.1.2.9).
func (s *session) stou(string) {
	s.takeRest()
	name := uniqueName()
	to, files := s.path(name), s.account.Files
	s.receive("FILE: "+name, to, func() (Upload, error) { return files.Create(to, true) })
}

func (s *session) receive(what, to string, prepare func() (Upload, error)) {
	s.data.begin(&upload{c: &s.data, what: what, name: to, prepare: prepare, ascii: !s.image})
}
