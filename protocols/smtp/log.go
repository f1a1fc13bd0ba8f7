package smtp

import (
	"context"
	"log/slog"
)

// told logs what a client was told: of whom, and with the reply.
func (s *session) told(what string, level slog.Level, user string, r reply, more ...slog.Attr) {
	log := s.logger()
	if !log.Enabled(context.Background(), level) {
		return
	}
	all := append([]slog.Attr{slog.Any("peer", s.RemoteAddr()), slog.String("user", shown(user))}, more...)
	log.LogAttrs(context.Background(), level, what, append(all, slog.String("reply", r.logged()))...)
}

// shown is what a client has said, as far as it is logged.
func shown(s string) string { return s[:min(len(s), maxShown)] }

// maxShown is as long as an address may be, and more.
const maxShown = 400

// logSender tells of a message that was not even begun: one that is too large, for example.
func (s *session) logSender(from string, r reply) {
	s.told("smtp: sender refused", slog.LevelInfo, s.peer.User, r, slog.String("from", shown(from)))
}

// logRecipient tells of a recipient that has got nothing. Those of a message are counted
// when it has come.
func (s *session) logRecipient(to string, r reply) {
	s.told("smtp: recipient refused", slog.LevelInfo, s.peer.User, r, slog.String("from", s.mail.from), slog.String("to", shown(to)))
}

// logMessage tells what has become of one, for so many recipients.
func (s *session) logMessage(r reply, to int) {
	s.told("smtp: message", slog.LevelInfo, s.peer.User, r,
		slog.String("from", s.mail.from), slog.Int("to", to), slog.Int64("bytes", s.mail.body.size))
}

// logNoLogin tells of a client that may not even try.
func (s *session) logNoLogin(mechanism string, r reply) {
	s.told("smtp: login refused", slog.LevelInfo, "", r, slog.String("mechanism", shown(mechanism)))
}

// logLogin tells of one that has tried in vain, and why: not by what password.
func (s *session) logLogin(user string, err error, r reply) {
	s.told("smtp: login failed", slog.LevelWarn, user, r, slog.String("mechanism", s.auth.mechanism), slog.Any("err", err))
}
