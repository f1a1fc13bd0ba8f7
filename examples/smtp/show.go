package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/torsion-go/torsion/protocols/smtp"
)

const maxShown = 100 // lines of a header

// show is the Delivery of who only wants to see: it prints the envelope and, indented, the
// header, which can say anything.
func show(e *smtp.Envelope, message io.ReadSeeker) error {
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s from <%s> by %s (%s)\n", e.ID, clean(e.From), host(e.Peer), clean(e.Peer.Hostname))
	for _, to := range e.To {
		fmt.Fprintf(&b, "to <%s>\n", clean(to.Address))
	}
	lines := bufio.NewScanner(message)
	for n := 0; n < maxShown && lines.Scan() && lines.Text() != ""; n++ {
		b.WriteString("    " + clean(lines.Text()) + "\n")
	}
	_, err := os.Stdout.WriteString(b.String() + "\n") // in one piece, for several are shown at once
	return err
}

// host is where a message came from: over the network, or from this program.
func host(p *smtp.Peer) string {
	if p.Remote == nil {
		return "this program"
	}
	return p.Remote.String()
}

// clean is a line without what could do something to a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\ufffd'
	}, strings.ReplaceAll(s, "\t", " "))
}
