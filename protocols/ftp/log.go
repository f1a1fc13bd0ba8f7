package ftp

import (
	"context"
	"fmt"
	"log/slog"
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

// log tells what has become of a file that was to be sent or received: with the reply,
// which is empty if nobody was there any more to hear it.
func (c *channel) log(words []Error) {
	log, what := c.s.logger(), "ftp: download"
	if _, up := c.job.(*upload); up {
		what = "ftp: upload"
	}
	if !c.opened || c.job.path() == "" || !log.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	var reply string
	if len(words) > 0 {
		reply = fmt.Sprint(words[0].Code, " ", printable(words[0].Text))
	}
	log.Info(what, "peer", c.s.RemoteAddr(), "user", printable(c.s.user), "path", printable(c.job.path()),
		"bytes", c.job.moved(), "duration", c.s.Loop().Now().Sub(c.began), "reply", reply)
}
