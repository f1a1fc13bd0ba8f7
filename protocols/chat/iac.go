package chat

import (
	"bytes"

	"github.com/torsion-go/torsion/protocol"
)

// Bytes of the telnet protocol (RFC 854).
const (
	eof  = 236 // the lowest command (RFC 1184)
	se   = 240 // end of a subnegotiation
	ayt  = 246 // are you there?
	sb   = 250 // begin of a subnegotiation
	will = 251
	wont = 252
	do   = 253
	dont = 254
	iac  = 255

	timingMark = 6 // RFC 860

	maxSub = 1 << 10 // bytes of a subnegotiation before we take the rest for text
)

// A telnet stands below the lines and takes telnet's commands out of them. It
// refuses every option. It needs no output filter: what a room says is UTF-8,
// which has no byte 255.
type telnet struct {
	filter filter
	above  protocol.Protocol
	below  protocol.Transport
}

// Inner has the events that this one does not: nothing is held back here.
func (t *telnet) Inner() any { return t.above }

func (t *telnet) ConnectionMade(below protocol.Transport) {
	t.below = below
	protocol.Connect(t.above, below)
}

func (t *telnet) DataReceived(data []byte) {
	text, answer := t.filter.strip(data)
	if len(answer) > 0 {
		t.below.Write(answer)
	}
	if len(text) > 0 {
		t.above.DataReceived(text)
	}
}

func (t *telnet) ConnectionLost(reason error) { t.above.ConnectionLost(reason) }

// A filter strips telnet's commands from a stream that is cut anywhere.
//
//	inText --IAC--> inCommand --DO, WILL...--> inOption --> inText
//	                    |--------SB--> inSub --IAC--> subCommand --SE--> inText
//	                    '----else----> inText
type filter struct {
	state   uint8
	verb    byte         // inOption: what comes before it
	cr      bool         // the last byte of text was a CR
	sub     int          // bytes of the subnegotiation
	refused [2][4]uint64 // options answered: those we were asked to do, those the peer would do
}

const (
	inText = iota
	inCommand
	inOption
	inSub
	subCommand
)

// strip returns the text in data, to whose beginning it is moved, and what is to
// be answered.
func (f *filter) strip(data []byte) (text, answer []byte) {
	if f.state == inText && !f.cr && bytes.IndexByte(data, iac) < 0 && bytes.IndexByte(data, 0) < 0 {
		f.cr = len(data) > 0 && data[len(data)-1] == '\r'
		return data, nil
	}
	text = data[:0]
	for _, b := range data {
		switch f.state {
		case inText:
			text = f.plain(text, b)
		case inCommand:
			text, answer = f.command(text, answer, b)
		case inOption:
			f.state = inText
			answer = f.refuse(answer, b)
		case inSub:
			f.skip(b)
		case subCommand:
			text, answer = f.subCommand(text, answer, b)
		}
	}
	return text, answer
}

func (f *filter) plain(text []byte, b byte) []byte {
	afterCR := f.cr
	f.cr = b == '\r'
	switch {
	case b == iac:
		f.state = inCommand
		return text
	case afterCR && b == 0:
		b = '\n' // a bare CR (RFC 854, page 12), which is what Enter sends in character mode
	}
	return append(text, b)
}

// command is called with the byte after an IAC. One that is no command is text,
// or who types a stray 255 into nc loses the end of his line.
func (f *filter) command(text, answer []byte, b byte) ([]byte, []byte) {
	f.state = inText
	switch {
	case b == iac:
		text = append(text, iac) // a data byte
	case b < eof:
		text = f.plain(text, b)
	case b >= will:
		f.state, f.verb = inOption, b
	case b == sb:
		f.state, f.sub = inSub, 0
	case b == ayt:
		answer = append(answer, "[Yes]\r\n"...)
	}
	return text, answer
}

// refuse answers DO with WONT and WILL with DONT, once for each option, so that
// no loop comes about (RFC 854, page 3). A timing mark is no option but a question, and its asker waits for an
// answer each time (RFC 860).
func (f *filter) refuse(answer []byte, opt byte) []byte {
	side, no := 0, byte(wont)
	switch f.verb {
	case will:
		side, no = 1, dont
	case wont, dont: // nothing is on
		return answer
	}
	word, bit := &f.refused[side][opt/64], uint64(1)<<(opt%64)
	if *word&bit != 0 && (opt != timingMark || f.verb != do) {
		return answer
	}
	*word |= bit
	return append(answer, iac, no, opt)
}

// skip is called with each byte of a subnegotiation.
func (f *filter) skip(b byte) {
	f.sub++
	switch {
	case b == iac:
		f.state = subCommand
	case f.sub >= maxSub:
		f.state = inText // its end was lost
	}
}

// subCommand is called with the byte after an IAC in a subnegotiation.
func (f *filter) subCommand(text, answer []byte, b byte) ([]byte, []byte) {
	switch b {
	case se:
		f.state = inText
	case iac:
		f.state = inSub // a data byte
	default:
		return f.command(text, answer, b) // its end was lost
	}
	return text, answer
}
