package smtp

import (
	"bytes"
	"io"
)

// A body is a message while it arrives: in memory, or from a certain size on in a
// Spool. It also sees what must not be delivered.
type body struct {
	buf   []byte // what has arrived, or what the spool does not have yet
	spool Spool
	size  int64

	cr       bool // the last byte was one
	bare     bool // there was a CR or LF on its own
	tooLarge bool
	hops     hops
	err      error // of the spool
}

// maxReceived is how many Received lines a message may have (RFC 5321, section 6.3).
const maxReceived = 100

// write takes the next part of a message that may have max bytes. What cannot be
// delivered any more is not kept.
func (b *body) write(p []byte, max int64) {
	b.look(p)
	b.hops.read(p)
	b.size += int64(len(p))
	b.tooLarge = b.tooLarge || max >= 0 && b.size > max
	if b.hopeless() {
		b.buf = nil
		return
	}
	b.buf = append(b.buf, p...)
}

// hopeless reports whether the message will not be delivered.
func (b *body) hopeless() bool { return b.bare || b.tooLarge || b.loops() || b.err != nil }

// loops reports whether it has been here, or elsewhere, too often.
func (b *body) loops() bool { return b.hops.n > maxReceived }

// look notes CR and LF that stand alone.
func (b *body) look(p []byte) {
	for len(p) > 0 && !b.bare {
		if b.cr && p[0] != '\n' {
			b.bare = true
			return
		}
		if b.cr {
			p = p[1:]
		}
		i := bytes.IndexByte(p, '\r')
		line := p
		if b.cr = i >= 0; b.cr {
			line = p[:i]
			p = p[i+1:]
		} else {
			p = nil
		}
		b.bare = bytes.IndexByte(line, '\n') >= 0
	}
}

// end is called when the message is whole.
func (b *body) end() { b.bare = b.bare || b.cr }

// hops counts by whose hands a message went: the Received lines of its header, as they come.
type hops struct {
	n     int
	match int8 // bytes of the line that are those of received; -1: it is another line
	over  bool // the header
}

const received = "received:"

func (h *hops) read(p []byte) {
	for !h.over && len(p) > 0 {
		if h.match < 0 {
			end := bytes.IndexByte(p, '\n')
			if end < 0 {
				return
			}
			h.match = 0
			p = p[end+1:]
			continue
		}
		c := p[0] | 0x20 // in lower case; a colon stays one
		switch {
		case h.match == 0 && p[0] == '\r':
			h.over = true
		case c != received[h.match]:
			h.match = -1
		case int(h.match) == len(received)-1:
			h.n++
			h.match = -1
		default:
			h.match++
		}
		p = p[1:]
	}
}

// flush moves what is in memory to the spool, which open makes if there is none. It
// does blocking work.
func (b *body) flush(open func() (Spool, error)) (err error) {
	if b.spool == nil {
		if b.spool, err = open(); err != nil {
			b.spool = nil
			return err
		}
	}
	n, err := b.spool.Write(b.buf)
	if err == nil && n < len(b.buf) {
		err = io.ErrShortWrite
	}
	b.buf = b.buf[:0]
	return err
}

// close closes the spool, if there is one.
func (b *body) close() error {
	spool := b.spool
	if b.spool = nil; spool == nil {
		return nil
	}
	return doing("close the spool", spool.Close())
}

// rewind returns the message from its beginning, when all of it was flushed or
// nothing.
func (b *body) rewind() (io.ReadSeeker, error) {
	if b.spool == nil {
		return bytes.NewReader(b.buf), nil
	}
	_, err := b.spool.Seek(0, io.SeekStart)
	return b.spool, err
}
