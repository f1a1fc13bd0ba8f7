package smtp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrProtocol is within the error of a server that does not speak SMTP: its reply is
// none, is too long, comes unasked or has a code that means nothing here. The
// connection is given up.
var ErrProtocol = errors.New("smtp: not the protocol")

// Of a reply. RFC 5321, section 4.5.3.1.5, has lines of 512 octets; go-smtp takes
// none of 2000.
const (
	maxAnswerLine = 1990
	maxAnswer     = 64 << 10
)

// An answer is a reply: what a server answers to one command (RFC 5321, section 4.2).
type answer struct {
	code  int
	lines []string // without the code; at least one
}

func (r answer) text() string { return strings.Join(r.lines, "\n") }

// format is r as it should have come.
func (r answer) format() []byte {
	var b []byte
	for i, line := range r.lines {
		b = strconv.AppendInt(b, int64(r.code), 10)
		b = append(b, " -"[min(1, len(r.lines)-1-i)])
		b = append(append(b, line...), "\r\n"...)
	}
	return b
}

// err is r as the error of a command which it refuses.
func (r answer) err() *SMTPError {
	e := &SMTPError{Code: r.code, Message: r.text()}
	status, _, _ := strings.Cut(r.lines[0], " ")
	if code, ok := parseStatus(status); ok {
		e.EnhancedCode = code
		lines := slices.Clone(r.lines)
		for i, line := range lines { // each of them has it (RFC 2034, section 4)
			lines[i] = strings.TrimPrefix(strings.TrimPrefix(line, status), " ")
		}
		e.Message = answer{lines: lines}.text()
	}
	return e
}

// parseStatus reads an enhanced status code (RFC 3463, section 2).
func parseStatus(s string) (c EnhancedCode, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) != len(c) {
		return c, false
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 10)
		if err != nil {
			return c, false
		}
		c[i] = int(n)
	}
	return c, true
}

// readAnswer reads one reply, whose lines may end in a bare LF. What cannot be
// printed in it is replaced, for it goes to logs and terminals.
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
		var code int
		if code, more, text, err = parseAnswerLine(text); err != nil {
			return answer{}, err
		}
		if r.lines != nil && code != r.code {
			return answer{}, fmt.Errorf("%w: %d within a reply of %d", ErrProtocol, code, r.code)
		}
		r.code, r.lines = code, append(r.lines, text)
	}
	return r, nil
}

// parseAnswerLine reads a line of a reply. There may be nothing behind the code
// (RFC 5321, section 4.2). There is no reply that would be no end, of 100 to 199.
func parseAnswerLine(line string) (code int, more bool, text string, err error) {
	number, rest := line[:min(3, len(line))], line[min(3, len(line)):]
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n < 200 || n > 599 || rest != "" && rest[0] != ' ' && rest[0] != '-' {
		return 0, false, "", fmt.Errorf("%w: %.80q", ErrProtocol, line)
	}
	if rest != "" {
		more, text = rest[0] == '-', rest[1:]
	}
	return int(n), more, strings.Map(visible, text), nil
}

// visible does not make a line longer, also if it is no UTF-8.
func visible(r rune) rune {
	if r < ' ' && r != '\t' || '\x7f' <= r && r < '\xa0' || r == utf8.RuneError {
		return '?'
	}
	return r
}
