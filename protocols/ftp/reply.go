package ftp

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"syscall"

	"github.com/torsion-go/torsion/protocol"
)

// reply says text, of one line or several (RFC 959, section 4.2), which leaves with
// what else is said in this event. What could be taken for the end of a line is not
// sent.
func (s *session) reply(code int, text string) {
	first, rest, more := strings.Cut(text, "\n")
	b := strconv.AppendInt(nil, int64(code), 10)
	if !more {
		b = append(b, ' ')
		s.send(appendClean(b, first))
		return
	}
	s.send(appendClean(append(b, '-'), first))
	for more {
		var l string
		l, rest, more = strings.Cut(rest, "\n")
		if more {
			s.send(appendClean([]byte{' '}, l)) // the space says that it is none of the ends
			continue
		}
		b = append(strconv.AppendInt(b[:0], int64(code), 10), ' ')
		s.send(appendClean(b, l))
	}
}

func (s *session) send(l []byte) { s.Write(append(l, "\r\n"...)) }

// appendClean writes a line with no control characters in it.
func appendClean(b []byte, l string) []byte {
	for _, c := range []byte(l) {
		if c < ' ' || c == 0x7f {
			c = '?'
		}
		b = append(b, c)
	}
	return b
}

// wrong is the reply to a command that the client got wrong. Who does too often, and
// achieves nothing between, is sent away.
func (s *session) wrong(code int, text string) {
	if s.errors++; s.errors >= maxErrors {
		s.bye(421, "Too many errors", ErrTooManyErrors)
		return
	}
	s.reply(code, text)
}

// forgive forgets errors, of who has logged in and done something with files: clients try
// for each what the server may know. Commands that anybody may say, and parameters, leave
// what was counted.
func (s *session) forgive() { s.errors = 0 }

// fail says what became of a command that the client got right.
func (s *session) fail(err error) {
	e := s.errorOf(err)
	s.reply(e.Code, e.Text)
}

// errorOf is an error of Files or of a Backend as a reply. What the client is not to
// know is logged.
func (s *session) errorOf(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok && e.Code >= 400 && e.Code < 600 {
		return e
	}
	for _, r := range known {
		if errors.Is(err, r.err) {
			return &Error{r.code, r.text}
		}
	}
	if _, ok := errors.AsType[*protocol.PanicError](err); !ok { // that is logged
		s.logger().Error("ftp: cannot serve", "peer", s.RemoteAddr(), "err", err)
	}
	return &Error{451, "Local error in processing"}
}

var known = []struct {
	err  error
	code int
	text string
}{
	{ErrQuota, 552, "Quota exceeded"},
	{ErrNotRegular, 550, "Not a regular file"},
	{ErrNotEmpty, 550, "Folder is not empty"},
	{errTooLarge, 451, "Too much for a reply: LIST"},
	{syscall.ENOSPC, 452, "Insufficient storage space"},
	{syscall.EDQUOT, 552, "Quota exceeded"},
	{syscall.EROFS, 550, "Nothing can be changed here"},
	{syscall.EXDEV, 550, "Cannot be moved there"},
	{syscall.EBUSY, 450, "Busy, try again later"},
	{syscall.EFBIG, 552, "File too large"},
	{syscall.ENAMETOOLONG, 553, "Name too long"},
	{ErrNotFolder, 550, "Not a folder"},
	{syscall.ENOTDIR, 550, "Not a folder"},
	{syscall.EISDIR, 550, "Is a folder"},
	{fs.ErrInvalid, 553, "Not a possible name"},
	{syscall.EINVAL, 553, "Not possible"},
	{fs.ErrNotExist, 550, "No such file or folder"},
	{fs.ErrExist, 550, "Exists already"},
	{fs.ErrPermission, 550, "Permission denied"},
	{errors.ErrUnsupported, 502, "Not supported here"},
}
