package ftp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrProtocol is within the error of a server that does not speak FTP: its reply or
// its listing is none, is too long, comes unasked or means nothing here. The
// connection is given up.
var ErrProtocol = errors.New("ftp: not the protocol")

// Of a reply.
const (
	maxAnswerLine = 16 << 10 // a path may be in it
	maxAnswer     = 64 << 10
)

// An answer is a reply: what a server answers to one command (RFC 959, section 4.2).
type answer struct {
	code  int
	lines []string // without the code; at least one
}

// text is for people: what cannot be printed is replaced, for it goes to logs and
// terminals.
func (r answer) text() string {
	return strings.Map(visible, strings.Join(r.lines, "\n"))
}

// err is r as the error of a command which it refuses.
func (r answer) err() *Error { return &Error{Code: r.code, Text: r.text()} }

// format is r in one of the forms that it may have come in.
func (r answer) format() []byte {
	var b []byte
	for i, line := range r.lines {
		b = strconv.AppendInt(b, int64(r.code), 10)
		b = append(b, " -"[min(1, len(r.lines)-1-i)])
		b = append(append(b, line...), "\r\n"...)
	}
	return b
}

// readAnswer reads one reply, whose lines may end in a bare LF. One of several lines
// ends with that which has its code and a space; what is between is free, so that
// another code there is text (RFC 959, section 4.2).
func readAnswer(in *bufio.Reader) (r answer, err error) {
	for size, more := 0, true; more; {
		line, err := in.ReadSlice('\n')
		switch size += len(line); {
		case errors.Is(err, bufio.ErrBufferFull) || size > maxAnswer:
			return answer{}, fmt.Errorf("%w: a reply of %d bytes or more", ErrProtocol, size)
		case err == io.EOF && size > 0:
			return answer{}, io.ErrUnexpectedEOF
		case err != nil:
			return answer{}, err
		}
		text := strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")
		code, dash, rest, ok := parseAnswerLine(text)
		switch {
		case r.lines == nil && !ok:
			return answer{}, fmt.Errorf("%w: %.80q", ErrProtocol, text)
		case r.lines == nil:
			r.code, more = code, dash
		case ok && code == r.code:
			more = dash
		default:
			rest = text
		}
		r.lines = append(r.lines, rest)
	}
	return r, nil
}

// parseAnswerLine reads a line that begins with a code. There may be nothing behind
// it.
func parseAnswerLine(line string) (code int, more bool, text string, ok bool) {
	number, rest := line[:min(3, len(line))], line[min(3, len(line)):]
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n < 100 || n > 599 || rest != "" && rest[0] != ' ' && rest[0] != '-' {
		return 0, false, "", false
	}
	if rest != "" {
		more, text = rest[0] == '-', rest[1:]
	}
	return int(n), more, text, true
}

func visible(r rune) rune {
	if r < ' ' && r != '\t' && r != '\n' || '\x7f' <= r && r < '\xa0' || r == utf8.RuneError {
		return '?'
	}
	return r
}
