package ftp

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode"
)

// maxLogged is how many bytes of what a client has said are logged: its command may have
// sixteen times as many.
const maxLogged = 256

// printable is s as it is logged: short, and with nothing that a terminal, or who reads
// the log line by line, could take for something else.
func printable(s string) string {
	if len(s) > maxLogged {
		s = s[:maxLogged] + "..."
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

func (s *session) logLogin() {
	s.logger().Info("ftp: login", "peer", s.RemoteAddr(), "user", printable(s.user), "tls", s.peer.TLS != nil)
}

// logNoLogin tells whose fault it was: who says a wrong password is warned of, a Backend
// or files that cannot be used are errors.
func (s *session) logNoLogin(err error) {
	level, msg := slog.LevelWarn, "ftp: login failed"
	if _, ours := err.(*unusable); ours {
		level, msg = slog.LevelError, "ftp: the account cannot be used"
	}
	s.logger().Log(context.Background(), level, msg, "peer", s.RemoteAddr(), "user", printable(s.user), "err", err)
}

// A deed is what a client does with a file, or would like to, as the log tells it.
type deed struct {
	what string // the message; nothing is told if it is empty
	path string
	how  slog.Attr
}

// deeds are the commands that the log tells of, and what it calls them.
var deeds = map[string]string{
	"RETR": "ftp: download", "STOR": "ftp: upload", "STOU": "ftp: upload", "APPE": "ftp: upload",
	"DELE": "ftp: delete", "RNFR": "ftp: rename", "MFMT": "ftp: touch",
	"MKD": "ftp: mkdir", "XMKD": "ftp: mkdir", "RMD": "ftp: rmdir", "XRMD": "ftp: rmdir",
}

// deny refuses a command that the account may not use.
func (s *session) deny(verb, arg string) {
	if verb == "MFMT" {
		_, arg, _ = strings.Cut(arg, " ")
	}
	s.refuse(deed{what: deeds[verb], path: s.path(arg)}, denied)
}

var denied = &Error{550, "Permission denied"}

// refuse says that a deed was not done.
func (s *session) refuse(d deed, err error) {
	e := s.errorOf(err)
	s.logDeed(d, *e)
	s.reply(e.Code, e.Text)
}

// logDeed tells of a deed with its reply.
func (s *session) logDeed(d deed, reply Error) { s.story(d, reply, nil)() }

// story returns what tells of a deed: with its reply, which a client that has gone has not
// heard, and with what of the network has failed, if anything has.
func (s *session) story(d deed, reply Error, failed error) func(more ...slog.Attr) {
	log := s.logger()
	if d.what == "" || !log.Enabled(context.Background(), slog.LevelInfo) {
		return func(...slog.Attr) {}
	}
	first := []slog.Attr{slog.Any("peer", s.RemoteAddr()), slog.String("user", printable(s.user)), slog.String("path", printable(d.path)), d.how}
	var last []slog.Attr
	if reply.Code != 0 {
		last = append(last, slog.String("reply", fmt.Sprint(reply.Code, " ", printable(reply.Text))))
	}
	if failed == nil && s.lost != nil {
		failed = fmt.Errorf("the control connection has ended: %w", s.lost)
	}
	if failed != nil {
		last = append(last, slog.Any("err", failed))
	}
	return func(more ...slog.Attr) {
		log.LogAttrs(context.Background(), slog.LevelInfo, d.what, slices.Concat(first, more, last)...)
	}
}

// deedOf is what a transfer does; nothing, if it is that of a list.
func deedOf(t transfer) deed {
	d := deed{what: deeds["RETR"], path: t.path()}
	if _, up := t.(*upload); up {
		d.what = deeds["STOR"]
	} else if d.path == "" {
		d.what = ""
	}
	return d
}

// turnDown is the answer to a transfer that cannot begin.
func (c *channel) turnDown(t transfer, e Error) {
	c.s.logDeed(deedOf(t), e)
	c.s.reply(e.Code, e.Text)
}

// log tells what has become of a transfer that has begun.
func (c *channel) log(words []Error) {
	var reply Error
	if len(words) > 0 {
		reply = words[0]
	}
	job, took := c.job, c.s.Loop().Now().Sub(c.began)
	tell := c.s.story(deedOf(job), reply, c.why)
	known := func() { tell(slog.Int64("bytes", job.moved()), slog.Duration("duration", took)) }
	if d, ok := job.(*download); ok && d.passing {
		d.passed = known
	} else {
		known()
	}
}
