package telnet

import "bytes"

// A decoder takes telnet's commands out of a stream that is cut anywhere. It does
// no I/O.
//
//	inText --IAC--> inCommand --DO, WILL...--> inOption --> inText
//	                    |--------SB--> inSub --IAC--> inSubCommand --SE--> inText
//	                    '----else----> inText
type decoder struct {
	config *Config
	binary bool // the peer does Binary

	state uint8
	verb  byte            // inOption: what comes before it
	cr    bool            // the last byte of text was a CR
	held  int             // bytes of the command that has begun
	sub   *subnegotiation // inSub, inSubCommand
}

// A subnegotiation is what has come of one so far.
type subnegotiation struct {
	data []byte // the option first; no more of it than we take
	size int    // of all that has come
}

// maxLost is how many bytes a subnegotiation may have above what we take. The end
// of a longer one was lost, or a stray IAC SB began it, and the rest is text.
const maxLost = 64 << 10

const (
	inText = iota
	inCommand
	inOption
	inSub
	inSubCommand
)

// An event is a command that is complete.
type event struct {
	verb   byte // none if zero
	option Option
	data   []byte // of a subnegotiation
}

// next takes the text in front of in, in place, or else at most one command. What
// it has not looked at it returns as the rest. in is not empty.
func (d *decoder) next(in []byte) (text []byte, ev event, rest []byte) {
	if d.state == inText && in[0] != iac {
		return d.text(in)
	}
	for i, b := range in {
		if d.state == inSubCommand && b != iac && b != se {
			d.state = inCommand // the end of the subnegotiation was lost
		}
		switch {
		case d.state == inCommand && b == iac: // a data byte
			d.finish()
			d.cr = false
			return in[i : i+1], event{}, in[i+1:]
		case d.state == inCommand && b < byte(EndOfFile): // no command; the IAC was a stray one
			d.finish()
			return nil, event{}, in[i:]
		}
		d.held++
		if ev, done := d.step(b); done {
			d.finish()
			return nil, ev, in[i+1:]
		}
	}
	return nil, event{}, nil
}

// text is what stands before the next command.
func (d *decoder) text(in []byte) (text []byte, ev event, rest []byte) {
	n := bytes.IndexByte(in, iac)
	if n < 0 {
		n = len(in)
	}
	return d.newlines(in[:n]), event{}, in[n:]
}

// newlines replaces each CR NUL of p, in place.
func (d *decoder) newlines(p []byte) []byte {
	switch {
	case d.binary:
		d.cr = false
		return p
	case bytes.IndexByte(p, 0) < 0:
		d.cr = p[len(p)-1] == '\r'
		return p
	}
	out := p[:0]
	for _, b := range p {
		afterCR := d.cr
		d.cr = b == '\r'
		if afterCR && b == 0 {
			if d.config.BareCR {
				continue
			}
			b = '\n'
		}
		out = append(out, b)
	}
	return out
}

// step takes the next byte of a command and reports whether it was the last.
func (d *decoder) step(b byte) (ev event, done bool) {
	switch d.state {
	case inText:
		d.state = inCommand
	case inCommand:
		switch {
		case b >= will:
			d.state, d.verb = inOption, b
		case b == sb:
			d.state, d.sub = inSub, &subnegotiation{}
		default:
			return event{verb: b}, true
		}
	case inOption:
		return event{verb: d.verb, option: Option(b)}, true
	case inSub:
		if b == iac {
			d.state = inSubCommand
			return event{}, false
		}
		return event{}, d.collect(b)
	case inSubCommand:
		if b == se {
			return d.sub.event(), true
		}
		d.state = inSub
		return event{}, d.collect(b)
	}
	return event{}, false
}

// collect takes a byte of a subnegotiation, and reports whether its end was lost.
func (d *decoder) collect(b byte) (lost bool) {
	s, most := d.sub, d.config.maxSubnegotiation()+1 // the option comes on top
	if s.size++; s.size <= most {
		s.data = append(s.data, b)
	}
	return s.size > most+maxLost
}

// event is none of one that is too long or empty.
func (s *subnegotiation) event() event {
	if s.size > len(s.data) || s.size == 0 {
		return event{}
	}
	return event{verb: sb, option: Option(s.data[0]), data: s.data[1:]}
}

// finish goes back to text.
func (d *decoder) finish() { d.state, d.held, d.sub = inText, 0, nil }

// drop forgets what has begun and returns how many bytes that were.
func (d *decoder) drop() int {
	n := d.held
	d.finish()
	d.cr = false
	return n
}
