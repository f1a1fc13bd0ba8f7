// Package knock has both ends of a knock-knock joke, the one with which people
// learn to write protocols:
//
//	Client: Knock knock
//	Server: Who's there?
//	Client: Disappearing client
//	Server: Disappearing client who?
//
// and the client hangs up. Nothing stands between these words on the wire, no
// newline either. A server says "... who?" to anything else.
//
// A network may cut the words anywhere, and those above are understood however
// it does. Nobody can know where other words end, so these are answered as they
// arrive; if they could be the beginning of the words above, when nothing
// more has come for a second.
package knock

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/protocol"
)

// Patience is how long the beginning of a phrase is waited for the rest.
const Patience = time.Second

// Config tunes either end. The zero value says nothing to anybody else.
type Config struct {
	// Log hears the conversation, a line for each thing said; nil: nobody. What
	// it could do to a terminal is replaced. It is written to on the loop, so it
	// should not block.
	Log io.Writer
}

// Server answers knocks.
func (c Config) Server() protocol.Protocol {
	return &speaker{
		machine: machine{phrases: []string{knock, name}},
		config:  c, us: "Server", them: "Client", answer: serve,
	}
}

// Client knocks, says who it is and disappears. It hangs up on whoever says
// anything unexpected.
func (c Config) Client() protocol.Protocol {
	return &speaker{
		machine: machine{phrases: []string{who, nobody}},
		config:  c, us: "Client", them: "Server", answer: visit, greeting: knock,
	}
}

// A speaker brings one machine's words to the transport.
type speaker struct {
	protocol.Base
	machine
	config   Config
	us, them string // in the log
	greeting string
	answer   func(said string) (answer string, hangUp bool)
	patience clock.Timer // runs while the machine waits
}

func (s *speaker) ConnectionMade(protocol.Transport) { s.say(s.greeting) }

func (s *speaker) DataReceived(data []byte) {
	s.hear(data)
	s.converse()
}

// ReadResumed goes on with what waited while the peer did not take our answers.
func (s *speaker) ReadResumed() { s.converse() }

// DropInput forgets the beginning of a phrase.
func (s *speaker) DropInput() int {
	n := len(s.heard)
	s.heard = nil
	return n
}

// converse answers what is complete, and sees to it that the rest is answered
// too if it stays as it is.
func (s *speaker) converse() {
	if s.patience != nil {
		s.patience.Stop()
		s.patience = nil
	}
	for s.Reading() {
		said, ok := s.next()
		if !ok {
			break
		}
		s.reply(said)
	}
	if len(s.heard) > 0 && s.Reading() {
		s.patience = s.AfterFunc(Patience, s.loseDoubt)
	}
}

// loseDoubt takes what was heard for all that was said.
func (s *speaker) loseDoubt() {
	if len(s.heard) > 0 && s.Reading() {
		s.reply(s.all())
	}
}

// EOFReceived answers what was in doubt: no more will come. What is owed is still
// delivered.
func (s *speaker) EOFReceived() (keep bool) {
	if len(s.heard) > 0 {
		s.reply(s.all())
	}
	return false
}

func (s *speaker) reply(said string) {
	s.log(s.them, said)
	answer, hangUp := s.answer(said)
	s.say(answer)
	if hangUp {
		s.LoseConnection()
	}
}

// say says something, unless it is nothing.
func (s *speaker) say(words string) {
	if words == "" {
		return
	}
	s.log(s.us, words)
	io.WriteString(s, words)
}

func (s *speaker) log(speaker, words string) {
	if s.config.Log != nil {
		fmt.Fprintf(s.config.Log, "%s: %s\n", speaker, printable(words))
	}
}

// printable is words with nothing in them that moves a cursor or forges a line.
func printable(words string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, words)
}
