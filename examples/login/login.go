package main

import (
	"crypto/subtle"
	"fmt"
	"unicode/utf8"

	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/telnet"
)

const maxTries = 3

// A login is somebody who has to know the password, and then is told how much he
// types.
type login struct {
	line.Base
	password string
	name     string // empty until it was given
	tries    int    // wrong passwords
	inside   bool
}

func (l *login) ConnectionMade(*line.Conn) { fmt.Fprint(l, "Name: ") }

func (l *login) LineReceived(text []byte) {
	switch {
	case l.inside:
		l.SendLine(fmt.Sprintf("%d characters, %q.", utf8.RuneCount(text), l.name))
	case l.name != "":
		l.passwordGiven(text)
	case len(text) > 0:
		l.name = string(text)
		l.askPassword()
	default:
		fmt.Fprint(l, "Name: ")
	}
}

// askPassword hides the input first: what is typed at the prompt is not shown.
func (l *login) askPassword() {
	telnet.Of(l.Conn).HideInput()
	fmt.Fprint(l, "Password: ")
}

func (l *login) passwordGiven(text []byte) {
	l.SendLine("") // for the one that was not shown
	if subtle.ConstantTimeCompare(text, []byte(l.password)) == 1 {
		l.inside = true
		telnet.Of(l.Conn).ShowInput()
		l.SendLine("Welcome.")
		return
	}
	if l.tries++; l.tries == maxTries {
		telnet.Of(l.Conn).ShowInput()
		l.SendLine("Goodbye.")
		l.LoseConnection()
		return
	}
	l.askPassword()
}
