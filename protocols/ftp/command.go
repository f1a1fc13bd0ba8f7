package ftp

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
)

// A verb is one row of the table of commands.
type verb struct {
	when phase      // it is allowed then; otherwise 530
	arg  argument   // otherwise 501
	need Permission // otherwise 550
	do   func(s *session, arg string)
}

// A phase says to whom a command is open.
type phase uint8

const (
	anyone phase = iota
	users        // those who have logged in
)

// An argument says whether a command has one.
type argument uint8

const (
	perhaps argument = iota
	none
	needed
)

// verbs is what the server understands (RFC 959, section 4.1; RFC 2389, 2428, 3659,
// 4217, 7151).
var verbs map[string]verb

func init() {
	verbs = map[string]verb{
		"USER": {anyone, needed, 0, (*session).userIs},
		"PASS": {anyone, perhaps, 0, (*session).pass},
		"ACCT": {anyone, perhaps, 0, says(202, "Account is not needed")},
		"SMNT": {anyone, needed, 0, says(502, "There is nothing else to mount")},
		"REIN": {anyone, none, 0, (*session).rein},
		"QUIT": {anyone, none, 0, (*session).quit},
		"AUTH": {anyone, needed, 0, (*session).authTLS},
		"PBSZ": {anyone, needed, 0, (*session).pbsz},
		"PROT": {anyone, needed, 0, (*session).prot},
		"CCC":  {anyone, none, 0, says(534, "The control connection stays encrypted")},
		"HOST": {anyone, needed, 0, (*session).host},
		"CLNT": {anyone, needed, 0, (*session).clnt},
		"SYST": {anyone, none, 0, says(215, "UNIX Type: L8")},
		"FEAT": {anyone, none, 0, (*session).feat},
		"OPTS": {anyone, needed, 0, (*session).opts},
		"HELP": {anyone, perhaps, 0, (*session).help},
		"NOOP": {anyone, perhaps, 0, says(200, "Ok")},

		"TYPE": {users, needed, 0, (*session).typeIs},
		"STRU": {users, needed, 0, only("F")},
		"MODE": {users, needed, 0, only("S")},
		"ALLO": {users, needed, 0, says(202, "No need to allocate")},
		"REST": {users, needed, 0, (*session).restAt},

		"CWD":  {users, needed, List, (*session).cwdTo},
		"XCWD": {users, needed, List, (*session).cwdTo},
		"CDUP": {users, none, List, (*session).cdup},
		"XCUP": {users, none, List, (*session).cdup},
		"PWD":  {users, none, 0, (*session).pwd},
		"XPWD": {users, none, 0, (*session).pwd},
		"MKD":  {users, needed, Mkdir, (*session).mkd},
		"XMKD": {users, needed, Mkdir, (*session).mkd},
		"RMD":  {users, needed, Delete, (*session).rmd},
		"XRMD": {users, needed, Delete, (*session).rmd},
		"DELE": {users, needed, Delete, (*session).dele},
		"RNFR": {users, needed, Rename, (*session).rnfr},
		"RNTO": {users, needed, Rename, (*session).rnto},
		"SIZE": {users, needed, List, (*session).size},
		"MDTM": {users, needed, List, (*session).mdtm},
		"MFMT": {users, needed, Modify, (*session).mfmt},
		"SITE": {users, needed, 0, (*session).site},
		"MLST": {users, perhaps, List, (*session).mlst},

		"PASV": {users, none, 0, (*session).pasv},
		"EPSV": {users, perhaps, 0, (*session).epsv},
		"PORT": {users, needed, 0, (*session).port},
		"EPRT": {users, needed, 0, (*session).eprt},
		"RETR": {users, needed, Read, (*session).retr},
		"STOR": {users, needed, 0, (*session).stor},
		"STOU": {users, perhaps, Create, (*session).stou},
		"APPE": {users, needed, Modify, (*session).appe},
		"LIST": {users, perhaps, List, (*session).list},
		"NLST": {users, perhaps, List, (*session).nlst},
		"MLSD": {users, perhaps, List, (*session).mlsd},
		"STAT": {users, perhaps, 0, (*session).stat},
		"ABOR": {users, none, 0, (*session).abor},
	}
}

// says is a command that has one answer.
func says(code int, text string) func(*session, string) {
	return func(s *session, _ string) { s.reply(code, text) }
}

// split divides a command into its verb, in upper case, and its argument.
func split(l []byte) (name, arg string) {
	before, after, _ := bytes.Cut(l, []byte{' '})
	if len(before) > 4 {
		return "", string(after)
	}
	return strings.ToUpper(string(before)), string(after)
}

// urgent reports whether a command is obeyed during a transfer. An ABOR behind one that
// waits for the end as well is not: there may be any number of them.
func (s *session) urgent(l []byte) bool {
	name, arg := split(l)
	return name == "ABOR" && !s.data.aborted || name == "STAT" && arg == ""
}

// command obeys one line.
func (s *session) command(l []byte) {
	name, arg := split(l)
	v, known := verbs[name]
	if name != "RNTO" { // RFC 959, section 4.1.3
		s.renameFrom = ""
	}
	switch {
	case bytes.Equal(l, tooLong):
		s.wrong(500, "Line too long")
	case !isText(l):
		s.wrong(501, "Bad characters in command")
	case !known:
		s.wrong(500, "Command not understood")
	case v.when == users && s.account == nil:
		s.wrong(530, "Log in first")
	case v.arg == none && arg != "":
		s.wrong(501, "No argument allowed")
	case v.arg == needed && arg == "":
		s.wrong(501, "Argument needed")
	case s.account != nil && s.account.Allow&v.need != v.need:
		s.deny(name, arg)
	default:
		v.do(s, arg)
	}
}

// isText reports whether l is UTF-8 (RFC 2640) without control characters.
func isText(l []byte) bool {
	for _, c := range l {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return utf8.Valid(l)
}

var (
	_ line.Handler         = (*session)(nil)
	_ line.TooLong         = (*session)(nil)
	_ protocol.Shutdowner  = (*session)(nil)
	_ protocol.InputHolder = (*session)(nil)
)
