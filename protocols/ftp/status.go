package ftp

import (
	"fmt"
	"strings"
)

// stat tells how things are, also during a transfer (RFC 959, section 4.1.3), or lists
// over the control connection.
func (s *session) stat(arg string) {
	if arg != "" {
		s.statOf(arg)
		return
	}
	l := []string{"Status:"}
	if s.account != nil {
		l = append(l, "Logged in as "+s.user)
	}
	kind := "ASCII"
	if s.image {
		kind = "Image"
	}
	l = append(l, "TYPE: "+kind+", STRU: File, MODE: Stream")
	if s.data.transferring() && s.data.job != nil {
		l = append(l, fmt.Sprintf("Transferring: %d bytes so far", s.data.job.moved()))
	} else {
		l = append(l, "No transfer")
	}
	s.reply(211, strings.Join(append(l, "End"), "\n"))
}

// abor ends a transfer (RFC 959, section 4.1.3).
func (s *session) abor(string) { s.data.abort() }
