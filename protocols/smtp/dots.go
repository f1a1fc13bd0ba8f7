package smtp

import "bytes"

// A dots reads the message behind DATA up to its CRLF.CRLF, and takes away the dots
// with which the client has hidden those of its own (RFC 5321, section 4.5.2). It
// does no I/O. Only CRLF ends a line, and only a dot alone in one ends the message,
// so nobody can be led to see another end than we do.
type dots struct{ at place }

// A place is what came last.
type place uint8

const (
	lineStart place = iota // CRLF, or the command itself
	inLine
	afterCR    // of a line
	afterDot   // at the start of a line; it has not been handed on
	afterDotCR // nor has this CR
)

var cr = []byte{'\r'}

// feed hands the message to emit, in pieces, and returns how many bytes of data it
// has used: all, unless the message ends in it.
func (d *dots) feed(data []byte, emit func([]byte)) (n int, end bool) {
	from := 0 // of what has not been handed on
	for i := 0; i < len(data); {
		c := data[i]
		switch d.at {
		case lineStart:
			d.at = inLine
			if c == '.' {
				emit(data[from:i])
				i++
				from = i
				d.at = afterDot
			}
		case inLine:
			d.at = afterCR
			j := bytes.IndexByte(data[i:], '\r')
			if j < 0 {
				d.at = inLine
				j = len(data) - i - 1
			}
			i += j + 1
		case afterCR:
			i++
			switch c {
			case '\n':
				d.at = lineStart
			case '\r':
			default:
				d.at = inLine
			}
		case afterDot:
			d.at = inLine
			if c == '\r' {
				i++
				from = i
				d.at = afterDotCR
			}
		case afterDotCR:
			if c == '\n' {
				return i + 1, true
			}
			emit(cr)
			d.at = afterCR
		}
	}
	emit(data[from:])
	return len(data), false
}
