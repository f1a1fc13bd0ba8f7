package ftp

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// lowest is the first port that clients may be connected to: those below belong to
// servers, which somebody may want to have us talk to (RFC 2577, section 3).
const lowest = 1024

// pasv listens for the client, and says where in the old way (RFC 959, section 4.1.2).
func (s *session) pasv(string) {
	if s.onlyEPSV {
		s.wrong(503, "EPSV ALL was said")
		return
	}
	addr := hostOf(s.LocalAddr())
	if f := s.server.PublicAddr; f != nil {
		if a := f(s.RemoteAddr()).Unmap(); a.IsValid() {
			addr = a
		}
	}
	if !addr.Is4() {
		s.wrong(425, "No IPv4 address: EPSV")
		return
	}
	s.listen(func(port int) {
		a := addr.As4()
		s.reply(227, fmt.Sprintf("Entering Passive Mode (%d,%d,%d,%d,%d,%d).", a[0], a[1], a[2], a[3], port>>8, port&0xff))
	})
}

// epsv does so in the new way (RFC 2428, section 3).
func (s *session) epsv(arg string) {
	family := "1"
	if hostOf(s.LocalAddr()).Is6() {
		family = "2"
	}
	switch {
	case strings.EqualFold(arg, "ALL"):
		s.onlyEPSV = true
		s.reply(200, "Only EPSV from now on")
	case arg != "" && arg != "1" && arg != "2":
		s.wrong(501, "Syntax: EPSV [1|2|ALL]")
	case arg != "" && arg != family:
		s.wrong(522, "Use ("+family+")")
	default:
		s.listen(func(port int) { s.reply(229, fmt.Sprintf("Entering Extended Passive Mode (|||%d|)", port)) })
	}
}

// port has the next transfer connect to the client (RFC 959, section 4.1.2).
func (s *session) port(arg string) {
	var b [6]byte
	fields := strings.Split(arg, ",")
	ok := len(fields) == len(b)
	for i := 0; ok && i < len(b); i++ {
		n, err := strconv.ParseUint(strings.TrimSpace(fields[i]), 10, 8)
		b[i], ok = byte(n), err == nil
	}
	if !ok {
		s.wrong(501, "Syntax: PORT h1,h2,h3,h4,p1,p2")
		return
	}
	s.activeTo(netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[:4])), uint16(b[4])<<8|uint16(b[5])))
}

// eprt does so in the new way (RFC 2428, section 2).
func (s *session) eprt(arg string) {
	fields := strings.Split(arg, arg[:1])
	family := ""
	if len(fields) == 5 && fields[0] == "" && fields[4] == "" {
		family = fields[1]
	}
	if _, err := strconv.ParseUint(family, 10, 64); err != nil { // of which there are more than we know
		s.wrong(501, "Syntax: EPRT |family|address|port|")
		return
	}
	addr, err := netip.ParseAddr(fields[2])
	port, err2 := strconv.ParseUint(fields[3], 10, 16)
	switch {
	case family != "1" && family != "2":
		s.wrong(522, "Use (1,2)")
	case err != nil || err2 != nil || addr.Zone() != "" || addr.Is4() != (family == "1"):
		s.wrong(501, "Syntax: EPRT |family|address|port|")
	default:
		s.activeTo(netip.AddrPortFrom(addr, uint16(port)))
	}
}

func (s *session) activeTo(to netip.AddrPort) {
	switch {
	case s.onlyEPSV:
		s.wrong(503, "EPSV ALL was said")
		return
	case to.Port() < lowest || !s.server.DataPeer(s.RemoteAddr(), net.TCPAddrFromAddrPort(to)):
		s.wrong(504, "Only to your own address, and no port below 1024")
		return
	}
	s.data.drop()
	s.data.to, s.data.state = to, active
	s.reply(200, "Ok")
}
