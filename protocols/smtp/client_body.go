package smtp

import (
	"bytes"
	"io"
	"slices"
)

var crlf = []byte("\r\n")

// A lineEnder is a Writer that passes text on with CRLF at the end of each line, whatever
// was there: LF, CR or CRLF. A CR or LF alone is the end of a line to some servers
// and not to others, and with ".CRLF" behind it the end of the message.
type lineEnder struct {
	to io.Writer
	cr bool // the last byte was one; its line has been ended
}

func (w *lineEnder) Write(p []byte) (n int, err error) {
	for n < len(p) {
		if p[n] == '\n' && w.cr { // the rest of CRLF
			w.cr = false
			n++
			continue
		}
		text := p[n:]
		end := bytes.IndexAny(text, "\r\n")
		if end >= 0 {
			text = text[:end]
		}
		if len(text) > 0 {
			w.cr = false
			if _, err = w.to.Write(text); err != nil {
				return n, err
			}
			n += len(text)
		}
		if end < 0 {
			break
		}
		w.cr = p[n] == '\r'
		if _, err = w.to.Write(crlf); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// A survey is a Writer that learns what servers have to be told of a message. It is
// written to by a lineEnder.
type survey struct {
	size   int64 // with its last line ended, without dots for transparency (RFC 1870, section 3)
	eight  bool  // it has bytes above 127
	utf8   bool  // its header has (RFC 6532): the message needs SMTPUTF8
	line   int   // bytes of the line that is not complete
	inBody bool  // an empty line has ended the header
}

func (s *survey) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	if bytes.Equal(p, crlf) { // it writes line ends by themselves
		s.inBody = s.inBody || s.line == 0
		s.line = 0
		return len(p), nil
	}
	s.line += len(p)
	if slices.ContainsFunc(p, func(c byte) bool { return c > 127 }) {
		s.eight = true
		s.utf8 = s.utf8 || !s.inBody
	}
	return len(p), nil
}

// done is s of the whole message, whose last line is ended if it was not.
func (s survey) done() survey {
	if s.line > 0 || s.size == 0 {
		s.size += 2
	}
	return s
}

// surveyed reads the message from where it stands, and goes back there.
func surveyed(r io.ReadSeeker) (survey, error) {
	at, err := r.Seek(0, io.SeekCurrent)
	if err != nil {
		return survey{}, err
	}
	var s survey
	if _, err = io.Copy(&lineEnder{to: &s}, onlyReader{r}); err != nil {
		return survey{}, err
	}
	_, err = r.Seek(at, io.SeekStart)
	return s.done(), err
}

// onlyReader hides what else a Reader can do, so that it is read by pieces.
type onlyReader struct{ io.Reader }
