package smtp

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode"

	"github.com/torsion-go/torsion/protocols/internal/serial"
)

// A wire is the connection that go-smtp's Client talks over, and what keeps watch on
// both: a read answers from one whole reply that was asked for, and that is one; a
// write makes progress.
type wire struct {
	serial.Wire
	patience time.Duration // for the next reply; negative: any time
	block    time.Duration // for each write

	pending  []byte // what go-smtp has not read of a reply
	last     answer
	hello    bool  // the reply to come is one to EHLO
	data     bool  // it is the message that is written, whatever it looks like
	sevenBit bool  // MAIL shall not say BODY=8BITMIME, which go-smtp says where it is offered
	noHELO   bool  // go-smtp says it where LHLO is refused, and one reply would count for all recipients
	heard    bool  // there was a reply that is not 421
	whole    bool  // the last write was handed over whole
	err      error // the first; nothing is possible afterwards
}

func newWire(c net.Conn, t *ClientTimeouts) *wire {
	return &wire{Wire: serial.NewWire(c, maxAnswerLine+2), block: t.Block}
}

// Read is go-smtp's.
func (w *wire) Read(p []byte) (int, error) {
	if len(w.pending) == 0 {
		r, err := w.answer()
		if err != nil {
			return 0, err
		}
		w.pending = r.format()
	}
	n := copy(p, w.pending)
	w.pending = w.pending[n:]
	return n, nil
}

// replay has go-smtp read r next.
func (w *wire) replay(r answer) { w.pending = r.format() }

// answer waits for the next reply.
func (w *wire) answer() (answer, error) {
	if w.err != nil {
		return answer{}, w.err
	}
	_ = w.Conn.SetReadDeadline(serial.By(w.patience)) // fails if it is closed, as the read does
	r, err := readAnswer(w.In)
	if err != nil {
		w.err = err
		return answer{}, err
	}
	w.heard = w.heard || r.code != 421
	if w.hello && r.code == 250 { // keywords go by any case (RFC 5321, section 4.1.1.1), go-smtp knows one
		for i, line := range r.lines[1:] {
			keyword, rest, _ := strings.Cut(line, " ")
			r.lines[1+i] = strings.TrimSuffix(strings.ToUpper(keyword)+" "+rest, " ")
		}
	}
	w.last = r
	return r, nil
}

// Write writes a command, or a part of the message. A reply that is there before is
// none to it, but for 421, which may come at any time (RFC 5321, section 3.8).
func (w *wire) Write(p []byte) (int, error) {
	if w.err == nil && w.In.Buffered() > 0 && !w.closing() {
		w.err = fmt.Errorf("%w: a reply to nothing", ErrProtocol)
	}
	if w.err == nil && w.noHELO && !w.data && bytes.HasPrefix(p, []byte("HELO ")) {
		w.err = fmt.Errorf("the server does not speak LMTP: %w", w.last.err())
	}
	if w.err == nil && !w.data && !isLine(p) {
		w.err = fmt.Errorf("smtp: not a command: %.80q", p) // whatever it was made of, nothing of it is said
	}
	if w.err != nil {
		return 0, w.err
	}
	w.hello = !w.data && (bytes.HasPrefix(p, []byte("EHLO ")) || bytes.HasPrefix(p, []byte("LHLO ")))
	_ = w.Conn.SetWriteDeadline(serial.By(w.block))
	_, err := w.Conn.Write(w.trim(p))
	w.whole = err == nil
	if w.err = err; err != nil {
		return 0, err
	}
	return len(p), nil
}

// isLine reports whether a command is one line, and nothing else.
func isLine(p []byte) bool {
	text, ok := bytes.CutSuffix(p, []byte("\r\n"))
	return ok && bytes.IndexFunc(text, unicode.IsControl) < 0
}

// closing reports whether 421 has come.
func (w *wire) closing() bool {
	code, _ := w.In.Peek(3) // not there yet: of no use
	return string(code) == "421"
}

// trim takes BODY=8BITMIME from MAIL if the message does not need it: it would
// forbid the relays that do not offer it.
func (w *wire) trim(p []byte) []byte {
	const body = " BODY=8BITMIME"
	i := bytes.LastIndex(p, []byte(body)) // before it is the address, which may have it within quotes
	if !w.sevenBit || w.data || i < 0 || !bytes.HasPrefix(p, []byte("MAIL ")) {
		return p
	}
	return bytes.Join([][]byte{p[:i], p[i+len(body):]}, nil)
}

// command says a line of ours, between those of go-smtp, and waits for the reply.
func (w *wire) command(line string) (answer, error) {
	if _, err := w.Write([]byte(line + "\r\n")); err != nil {
		return answer{}, err
	}
	return w.answer()
}
