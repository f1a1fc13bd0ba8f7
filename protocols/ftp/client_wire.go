package ftp

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/torsion-go/torsion/protocols/internal/serial"
)

// A wire is the control connection that the library talks over, and what keeps watch
// on both: a read answers from one whole reply that was asked for, and that is one; a
// write is one line, and makes progress.
type wire struct {
	serial.Wire
	patience time.Duration // for the next reply; negative: any time
	block    time.Duration // for each write

	pending  []byte // what the library has not read of a reply
	last     answer
	verb     string // of the last command
	moving   bool   // the last reply was that data is about to move
	heard    bool   // there was a reply that is not 421
	features []string
	err      error // the first; nothing is possible afterwards
}

func newWire(c net.Conn, t *ClientTimeouts) *wire {
	return &wire{Wire: serial.NewWire(c, maxAnswerLine), block: t.Command}
}

// Read is the library's.
func (w *wire) Read(p []byte) (int, error) {
	if len(w.pending) == 0 {
		r, err := w.answer()
		if err != nil {
			return 0, err
		}
		w.pending = w.plain(r).format()
	}
	n := copy(p, w.pending)
	w.pending = w.pending[n:]
	return n, nil
}

// replay has the library read r next.
func (w *wire) replay(r answer) { w.pending = r.format() }

// answer waits for the next reply.
func (w *wire) answer() (answer, error) {
	if w.err != nil {
		return answer{}, w.err
	}
	_ = w.Conn.SetReadDeadline(serial.By(w.patience)) // fails if it is closed, as the read does
	r, err := readAnswer(w.In)
	if err != nil {
		w.err = lost(err)
		return answer{}, w.err
	}
	w.last = r
	if r.code == 421 { // it closes (RFC 959, section 5.4)
		w.err = r.err()
		return r, nil
	}
	w.heard = true
	if w.verb == "FEAT" && r.code == 211 {
		r.lines = slices.Clone(r.lines)
		w.learn(r.lines)
	}
	return r, nil
}

// learn notes what the server can do. Some leave out the space before each (RFC 2389,
// section 3.2), or write them in small letters; the library knows one way.
func (w *wire) learn(lines []string) {
	for i := 1; i < len(lines)-1; i++ {
		feature, rest, _ := strings.Cut(strings.TrimSpace(lines[i]), " ")
		feature = strings.ToUpper(feature)
		w.features = append(w.features, feature)
		lines[i] = strings.TrimSuffix(" "+feature+" "+rest, " ")
	}
}

// usual are the codes that the library takes for success.
var usual = map[string]int{
	"USER": 230, "PASS": 230, "TYPE": 200, "PBSZ": 200, "PROT": 200, "NOOP": 200, "CWD": 250,
	"DELE": 250, "RMD": 250, "MKD": 257, "RNTO": 250, "MFMT": 213,
}

// plain is r as the library knows it. Only the first digit says whether something
// has succeeded (RFC 1123, section 4.2.11).
func (w *wire) plain(r answer) answer {
	over := w.moving
	w.moving = r.code < 200
	code, known := usual[w.verb]
	switch {
	case over && r.code/100 == 2: // which is not always 226
		r.code = 226
	case over && r.code < 200: // a second one
		w.err = fmt.Errorf("%w: %d within a transfer", ErrProtocol, r.code)
	case known && r.code/100 == 2:
		r.code = code
	case w.verb == "OPTS" && r.code != 421: // UTF-8 needs no OPTS (RFC 2640, section 3.1)
		r.code = 200
	}
	return r
}

// Write writes a command. A reply that is there before is none to it, but for 421,
// which may come at any time (RFC 959, section 5.4).
func (w *wire) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	text, line := bytes.CutSuffix(p, []byte("\r\n"))
	w.verb, _, _ = strings.Cut(string(text), " ")
	w.moving = false
	switch {
	case w.In.Buffered() > 0 && !w.closing():
		w.err = fmt.Errorf("%w: a reply to nothing", ErrProtocol)
		return 0, w.err
	case !line || bytes.ContainsAny(text, "\r\n\x00"): // whatever it was made of, nothing of it is said
		w.err = fmt.Errorf("ftp: not a command: %.80q", p)
		return 0, w.err
	}
	_ = w.Conn.SetWriteDeadline(serial.By(w.block))
	if _, w.err = w.Conn.Write(p); w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}

// closing reports whether 421 has come.
func (w *wire) closing() bool {
	code, _ := w.In.Peek(3) // not there yet: of no use
	return string(code) == "421"
}

// command says a line of ours, between those of the library, and waits for the reply.
func (w *wire) command(line string) (answer, error) {
	if _, err := w.Write([]byte(line + "\r\n")); err != nil {
		return answer{}, err
	}
	return w.answer()
}
