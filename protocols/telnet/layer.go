package telnet

import (
	"bytes"
	"os"
	"slices"

	"github.com/torsion-go/torsion/protocol"
)

// A layer decodes what comes, encodes what goes and negotiates.
type layer struct {
	protocol.Gate
	gated   bool // text is encoded on its way through the Gate: since the first file
	conn    Conn
	dec     decoder
	enc     encoder
	options *options // nil if none was ever mentioned
	in      []byte   // not decoded yet: lent by DataReceived, or our own while we do not read
	answers int      // bytes said since the peer was last known to read
}

// maxAnswers is how many bytes we say before we wait until the peer has read them.
const maxAnswers = 64 << 10

// behind is about how many bytes a command needs that waits behind a file.
const behind = 200

func stack(c *Config, above protocol.Protocol) *layer {
	l := protocol.Stack(&layer{dec: decoder{config: c}}, above)
	l.conn.l = l
	return l
}

// ConnectionMade says what the Config has us say, and then connects the session.
// From here on the DM of a Synch, which is urgent data, stays in the stream.
func (l *layer) ConnectionMade(t protocol.Transport) {
	_ = l.SetOOBInline(true) // where that cannot be set there is no urgent data
	for _, o := range l.dec.config.Offer {
		l.want(o, true, true)
	}
	for _, o := range l.dec.config.Ask {
		l.want(o, false, true)
	}
	l.Gate.ConnectionMade(t)
}

// DataReceived hands up what the session wants now, and keeps a copy of the rest.
func (l *layer) DataReceived(data []byte) {
	if len(l.in) > 0 {
		data = append(l.in, data...)
	}
	l.in = data
	l.handUp()
	l.in = bytes.Clone(l.in)
}

// ReadResumed hands up what was kept.
func (l *layer) ReadResumed() {
	l.Gate.ReadResumed()
	l.handUp()
}

// DropInput forgets what has not gone up: whole, or a command that has begun. A CR
// has gone up at once.
func (l *layer) DropInput() int {
	n := l.Gate.DropInput() + len(l.in) + l.dec.drop()
	l.in = nil
	return n
}

func (l *layer) ConnectionLost(reason error) {
	l.in = nil
	l.Gate.ConnectionLost(reason)
}

// handUp goes on for as long as the session wants input: what comes behind a pause
// waits, commands as well as text, so that all is heard in order.
func (l *layer) handUp() {
	for len(l.in) > 0 && l.Reading() {
		text, ev, rest := l.dec.next(l.in)
		if l.in = rest; len(text) > 0 {
			l.Above.DataReceived(text)
		}
		if ev.verb != 0 {
			l.heard(ev)
		}
	}
}

func (l *layer) heard(ev event) {
	switch ev.verb {
	case will, wont:
		l.negotiate(ev.option, false, ev.verb == will)
	case do, dont:
		l.negotiate(ev.option, true, ev.verb == do)
	case sb:
		l.subnegotiated(ev.option, ev.data)
	case se: // of nothing
	default:
		if Command(ev.verb) == AreYouThere {
			l.send([]byte("[Yes]\r\n")...)
		}
		if r, ok := protocol.As[CommandReceiver](l.Above); ok {
			r.CommandReceived(Command(ev.verb))
		}
	}
}

// sideOf returns the options of our side or of the peer's, to change them.
func (l *layer) sideOf(ours bool) *side {
	if l.options == nil {
		l.options = &options{}
	}
	return l.options.side(ours)
}

// state is where an option of our side or of the peer's stands.
func (l *layer) state(o Option, ours bool) state {
	if l.options == nil {
		return off
	}
	return l.options.side(ours).state(o)
}

// want negotiates for the session.
func (l *layer) want(o Option, ours, wanted bool) {
	if o == TM { // is not in use afterwards
		w := no
		if wanted {
			w = yes
		}
		l.say(o, ours, w)
		return
	}
	l.say(o, ours, l.sideOf(ours).want(o, wanted))
	l.setBinary()
}

// negotiate answers the peer, who says that an option of our side or of its own is
// to be used or not.
func (l *layer) negotiate(o Option, ours, wanted bool) {
	if o == TM {
		l.timingMark(ours, wanted)
		return
	}
	before := l.state(o, ours).holds()
	l.say(o, ours, l.sideOf(ours).heard(o, wanted, l.agrees(o, ours)))
	l.setBinary()
	if after := l.state(o, ours).holds(); after != before {
		l.changed(o, ours, after)
	}
}

// timingMark answers the question that a timing mark is, each time (RFC 860), or
// passes on the answer to ours.
func (l *layer) timingMark(ours, wanted bool) {
	switch {
	case ours && wanted:
		l.say(TM, true, yes)
	case !ours:
		l.tellChange(TM, false, wanted)
	}
}

// agrees reports whether we do what the peer asks for, or let it do what it offers.
func (l *layer) agrees(o Option, ours bool) bool {
	c := l.dec.config
	if ours {
		return slices.Contains(c.Grant, o) || slices.Contains(c.Offer, o)
	}
	return slices.Contains(c.Accept, o) || slices.Contains(c.Ask, o) ||
		o == NAWS && hears[WindowWatcher](l) || o == TTYPE && hears[TerminalWatcher](l)
}

func hears[T any](l *layer) bool {
	_, ok := protocol.As[T](l.Above)
	return ok
}

// setBinary follows the Binary option. Our output is binary only while both sides
// want it so, the peer's until it says that it has ended.
func (l *layer) setBinary() {
	binary := l.state(Binary, true) == on
	l.Behind(func() { l.enc.setBinary(binary) })
	l.dec.binary = l.state(Binary, false).holds()
}

// changed follows an option that has come into use, or gone out of it.
func (l *layer) changed(o Option, ours, inUse bool) {
	if o == TTYPE && !ours && inUse && hears[TerminalWatcher](l) {
		l.subnegotiate(TTYPE, []byte{ttypeSend})
	}
	l.tellChange(o, ours, inUse)
}

func (l *layer) tellChange(o Option, ours, inUse bool) {
	if w, ok := protocol.As[OptionWatcher](l.Above); ok {
		w.OptionChanged(o, ours, inUse)
	}
}

func (l *layer) inUse(o Option) bool { return l.state(o, true).holds() || l.state(o, false).holds() }

// The first byte of a TTYPE subnegotiation.
const (
	ttypeIs   = 0
	ttypeSend = 1
)

// subnegotiated hands up details, unless nobody agreed to the option.
func (l *layer) subnegotiated(o Option, data []byte) {
	window, watched := protocol.As[WindowWatcher](l.Above)
	terminal, named := protocol.As[TerminalWatcher](l.Above)
	theirs := l.state(o, false).holds()
	switch {
	case o == NAWS && theirs && watched:
		if len(data) == 4 {
			window.WindowResized(int(data[0])<<8|int(data[1]), int(data[2])<<8|int(data[3]))
		}
	case o == TTYPE && theirs && named:
		if len(data) > 1 && data[0] == ttypeIs && isName(data[1:]) {
			terminal.TerminalNamed(string(data[1:]))
		}
	case l.inUse(o):
		if r, ok := protocol.As[SubnegotiationReceiver](l.Above); ok {
			r.SubnegotiationReceived(o, data)
		}
	}
}

// isName reports whether p may be the name of a terminal (RFC 1091).
func isName(p []byte) bool {
	return len(p) <= 40 && !slices.ContainsFunc(p, func(b byte) bool { return b < ' ' || b > '~' })
}

// say says a word about an option, if there is one to say.
func (l *layer) say(o Option, ours bool, w word) {
	first := byte(do)
	if ours {
		first = will
	}
	if w != nothing {
		l.send(iac, first+byte(w-yes), byte(o)) // WONT follows WILL, DONT follows DO
	}
}

func (l *layer) subnegotiate(o Option, data []byte) {
	p := []byte{iac, sb}
	for _, b := range slices.Concat([]byte{byte(o)}, data) {
		if p = append(p, b); b == iac {
			p = append(p, iac)
		}
	}
	l.send(append(p, iac, se)...)
}

// send sends commands, in order with text. A peer that asks and asks and does not
// read the answers waits until it has.
func (l *layer) send(p ...byte) {
	l.Behind(func() { l.Below.Write(p) })
	if l.gated {
		l.answers += behind
	}
	if l.answers += len(p); l.answers > maxAnswers {
		l.answers = 0
		l.Hold()
		l.Drained(func(error) { l.Release() })
	}
}

// Write sends p as text.
func (l *layer) Write(p []byte) (int, error) {
	if l.gated {
		return l.Gate.Write(p)
	}
	if _, err := l.Below.Write(l.enc.encode(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteShared sends p by reference if nothing in it means something to telnet, and
// the copy that has to be made otherwise.
func (l *layer) WriteShared(p []byte) (int, error) {
	if l.gated {
		return l.Gate.WriteShared(p)
	}
	if _, err := l.Gate.WriteShared(l.enc.encode(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// SendFile sends a file as text. From the first one on, the Gate keeps the order.
func (l *layer) SendFile(f *os.File, off, n int64, done func(sent int64, err error)) {
	if !l.gated {
		l.gated = true
		l.Shut()
		l.Open(func(p []byte) { l.Below.Write(l.enc.encode(p)) })
	}
	l.Gate.SendFile(f, off, n, done)
}
