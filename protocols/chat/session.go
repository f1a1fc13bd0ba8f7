package chat

import (
	"net"
	"strconv"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/protocols/line"
)

// A session is the connection of a member. What it says and hears is the
// member's; when it may speak, and for how long, is decided here.
type session struct {
	line.Base
	corner *corner
	room   *Room
	member *Member // nil if the room was full
	flood  flood
	idle   clock.Timer // nil without an IdleTimeout
}

func (s *session) ConnectionMade(c *line.Conn) {
	m, err := s.corner.enter(c, hostOf(c.RemoteAddr()))
	if err != nil {
		s.SendLine("The room is full. Come back later.")
		s.LoseConnection()
		return
	}
	s.member = m
	if s.room.IdleTimeout > 0 {
		s.idle = c.AfterFunc(s.room.IdleTimeout, func() { s.bye("You have been silent for too long.") })
	}
}

func (s *session) LineReceived(l []byte) {
	if !s.member.Hear(l) {
		s.LoseConnection()
		return
	}
	s.heard()
}

// LineTooLong keeps the connection: the line's rest is thrown away.
func (s *session) LineTooLong(int) (keep bool) {
	s.member.tell("Your line was not said: it is longer than ", strconv.Itoa(s.room.maxLine()), " bytes.")
	s.heard()
	return true
}

// ConnectionLost is how those leave who did not say so.
func (s *session) ConnectionLost(error) {
	if s.member != nil {
		s.member.Leave()
	}
}

// Shutdown says goodbye. Nobody is told of each who leaves, as all do.
func (s *session) Shutdown() {
	if s.member != nil {
		s.member.vanish()
	}
	s.SendLine("Server is going down.")
	s.LoseConnection()
}

// heard takes note that a line came, and throttles who sends too many.
func (s *session) heard() {
	r := s.room
	if s.idle != nil {
		s.idle.Reset(r.IdleTimeout)
	}
	if r.interval() < 0 {
		return
	}
	wait := s.flood.line(s.Now(), r.burst(), r.interval())
	switch {
	case wait == 0:
		return
	case r.tolerance() >= 0 && s.flood.throttled > r.tolerance():
		s.bye("You still send too fast. Goodbye.")
		return
	case s.flood.throttled == 1:
		s.member.tell("You send too fast. Your lines are held up for a while.")
	}
	s.PauseReading()
	s.AfterFunc(wait, s.ResumeReading)
}

// bye shows the member out.
func (s *session) bye(why string) {
	s.member.Leave()
	s.SendLine(why)
	s.LoseConnection()
}

// hostOf returns the host of a peer, with its zone; nothing if it has none.
func hostOf(peer net.Addr) string {
	if peer == nil {
		return ""
	}
	host, _, err := net.SplitHostPort(peer.String())
	if err != nil {
		return ""
	}
	return host
}
