package ftp

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/torsion-go/torsion/protocol"
)

// A download sends a file, or a list as if it were one.
type download struct {
	c       *channel
	prepare func() error // on a worker; sets file and what
	what    string
	name    string // of the file
	file    File
	off     int64
	size    int64 // when it was opened
	ascii   bool
	sent    int64
	t       protocol.Transport
	passing bool   // a piece is on its way
	passed  func() // is called when that has ended, if the transfer has before
	reading bool
	lf      lfToCRLF
	buf     []byte
}

func (d *download) open() error { return d.prepare() }

func (d *download) greeting() string { return d.what }

func (d *download) moved() int64 { return d.sent }

func (d *download) path() string { return d.name }

func (d *download) closer() func() error {
	if d.file == nil {
		return nil
	}
	return d.file.Close
}

func (d *download) received([]byte) {} // nobody has asked for it

func (d *download) resumed() {}

func (d *download) eof() {} // what is sent may still be read

func (d *download) lost(reason error) { d.end(reason) }

// start sends by sendfile where nothing is to be changed, else by chunks that workers
// read.
func (d *download) start(t protocol.Transport) {
	d.t = t
	f, plain := d.file.(*os.File)
	sender, can := protocol.As[protocol.FileSender](t)
	switch {
	case plain && can && !d.ascii:
		d.pass(f, sender)
	default:
		d.pull(t)
	}
}

// piece is how many bytes of a file are sent at once. Nobody tells how far they are, so
// it is by pieces that STAT knows.
const piece = 4 << 20

// pass sends a piece, and then the next. The last is all that there is by then.
func (d *download) pass(f *os.File, sender protocol.FileSender) {
	n := int64(piece)
	if d.size-d.off <= n {
		n = -1
	}
	d.passing = true
	sender.SendFile(f, d.off, n, func(sent int64, err error) {
		d.passing = false
		d.off += sent
		d.sent += sent
		if d.passed != nil {
			d.passed()
		}
		if err != nil || n < 0 || d.c.job != d || d.c.over {
			d.end(err)
		} else {
			d.pass(f, sender)
		}
	})
}

func (d *download) pull(t protocol.Transport) {
	d.buf = make([]byte, 64<<10)
	r, ok := protocol.As[protocol.ProducerRegistry](t)
	if !ok {
		d.end(errors.ErrUnsupported)
	} else if err := r.RegisterProducer(d, false); err != nil {
		d.end(err)
	}
}

// ResumeProducing is called when nothing waits to be sent.
func (d *download) ResumeProducing() {
	if d.reading {
		return
	}
	d.reading = true
	var n int
	d.c.work(func() (err error) {
		n, err = d.file.ReadAt(d.buf, d.off)
		return err
	}, func(err error) {
		d.reading = false
		d.chunk(d.buf[:n], err)
	})
}

// chunk sends what was read; more is asked for when it is gone.
func (d *download) chunk(p []byte, err error) {
	d.off += int64(len(p))
	d.sent += int64(len(p))
	if d.ascii {
		p = d.lf.convert(p)
	}
	_, _ = d.t.Write(p)
	if err == nil {
		return
	}
	if r, ok := protocol.As[protocol.ProducerRegistry](d.t); ok {
		r.UnregisterProducer()
	}
	if err != io.EOF {
		d.end(&readError{err})
		return
	}
	d.flush()
}

func (d *download) PauseProducing() {}
func (d *download) StopProducing()  {} // ConnectionLost tells

// flush waits until the kernel has the last byte.
func (d *download) flush() {
	n, ok := protocol.As[protocol.Notifier](d.t)
	if !ok {
		d.end(errors.ErrUnsupported)
		return
	}
	n.Drained(d.end)
}

// end says how it went. A worker that sendfile keeps waiting tells it when the session
// is at another transfer already.
func (d *download) end(err error) {
	var path *os.PathError
	switch {
	case d.c.job != d:
	case err == nil:
		d.c.end(Error{226, "Transfer complete"})
	case errors.As(err, new(*readError)), errors.As(err, &path):
		d.c.s.logger().Error("ftp: cannot read", "peer", d.c.s.RemoteAddr(), "err", err)
		d.c.end(Error{451, "Cannot read on"})
	default:
		d.c.broke(err)
	}
}

// A readError is that of a file, and not of the connection.
type readError struct{ error }

func (e *readError) Unwrap() error { return e.error }

// retr sends a file (RFC 959, section 4.1.3).
func (s *session) retr(name string) {
	off, ok := s.offset()
	if !ok {
		return
	}
	of, files := s.path(name), s.account.Files
	d := &download{c: &s.data, name: of, off: off, ascii: !s.image}
	d.prepare = func() (err error) {
		f, err := files.Open(of)
		if err != nil {
			return err
		}
		i, err := f.Stat()
		if err == nil && d.off > i.Size() {
			err = &Error{554, "The file ends before"}
		}
		if err != nil {
			f.Close()
			return err
		}
		d.file, d.size = f, i.Size()
		d.what = fmt.Sprintf("Opening data connection for %d bytes", i.Size()-d.off)
		return nil
	}
	s.data.begin(d)
}

// offset is where a transfer begins, if that is possible: TYPE may have come behind REST.
func (s *session) offset() (n int64, ok bool) {
	n = s.takeRest()
	if n > 0 && !s.image {
		s.wrong(501, noOffsets)
		return 0, false
	}
	return n, true
}

const noOffsets = "Text has no offsets: TYPE I first"

// takeRest returns what REST has said, which holds once.
func (s *session) takeRest() int64 {
	n := s.rest
	s.rest = 0
	return n
}
