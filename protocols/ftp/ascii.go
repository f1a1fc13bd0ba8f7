package ftp

import (
	"bytes"
	"crypto/rand"
)

// lfToCRLF makes text of the network of text of ours: each LF becomes CRLF, unless it
// is one already (RFC 959, section 3.1.1.1).
type lfToCRLF struct{ cr bool } // the last byte was one

func (l *lfToCRLF) convert(p []byte) []byte {
	if len(p) == 0 {
		return p
	}
	out := make([]byte, 0, len(p)+bytes.Count(p, []byte{'\n'}))
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			out = append(out, p...)
			l.cr = p[len(p)-1] == '\r'
			break
		}
		if i > 0 {
			l.cr = p[i-1] == '\r'
		}
		out = append(out, p[:i]...)
		if !l.cr {
			out = append(out, '\r')
		}
		out = append(out, '\n')
		l.cr = false
		p = p[i+1:]
	}
	return out
}

// crlfToLF does the opposite. A CR that no LF follows stays.
type crlfToLF struct{ cr bool } // one is held back

func (c *crlfToLF) append(dst, p []byte) []byte {
	for len(p) > 0 {
		if c.cr && p[0] != '\n' {
			dst = append(dst, '\r')
		}
		i := bytes.IndexByte(p, '\r')
		if c.cr = i >= 0; !c.cr {
			return append(dst, p...)
		}
		dst = append(dst, p[:i]...)
		p = p[i+1:]
	}
	return dst
}

// end returns what was held back.
func (c *crlfToLF) end(dst []byte) []byte {
	if c.cr {
		c.cr = false
		return append(dst, '\r')
	}
	return dst
}

func uniqueName() string { return "stou." + rand.Text()[:12] }
