package telnet

import "bytes"

// An encoder makes telnet of text that is written in any pieces. It does no I/O.
type encoder struct {
	binary bool // we do Binary
	cr     bool // the last byte was a CR, which LF or NUL must follow
}

// encode returns p itself if nothing in it means something to telnet, and a copy
// otherwise: IAC is doubled, and a CR that is no part of CR LF gets a NUL (RFC
// 854, page 11). The NUL of a CR at the very end comes in front of the next text.
func (e *encoder) encode(p []byte) []byte {
	if len(p) == 0 || e.plain(p) {
		return p
	}
	out := make([]byte, 0, len(p)+len(p)/8+8)
	for _, b := range p {
		if e.cr && b != '\n' {
			out = append(out, 0)
		}
		e.cr = b == '\r' && !e.binary
		if out = append(out, b); b == iac {
			out = append(out, iac)
		}
	}
	return out
}

// setBinary changes what a CR means.
func (e *encoder) setBinary(binary bool) {
	e.binary = binary
	e.cr = e.cr && !binary
}

// plain reports whether p can be sent as it is; only then it moves on.
func (e *encoder) plain(p []byte) bool {
	if bytes.IndexByte(p, iac) >= 0 || e.cr && p[0] != '\n' {
		return false
	}
	if e.binary {
		return true
	}
	for rest := p; ; {
		n := bytes.IndexByte(rest, '\r') + 1
		if n == 0 || n == len(rest) {
			e.cr = n > 0
			return true
		}
		if rest[n] != '\n' {
			return false
		}
		rest = rest[n:]
	}
}
