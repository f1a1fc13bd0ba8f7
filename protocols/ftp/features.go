package ftp

import (
	"slices"
	"strconv"
	"strings"
)

// feat lists what there is besides RFC 959 (RFC 2389).
func (s *session) feat(string) {
	l := []string{"Features:"}
	if s.server.TLS != nil {
		l = append(l, "AUTH TLS", "PBSZ", "PROT")
	}
	l = append(l, "CLNT", "EPRT", "EPSV", "HOST", "MDTM", "MFMT", "MLST "+s.facts.feature(), "REST STREAM", "SIZE", "TVFS", "UTF8", "End")
	s.reply(211, strings.Join(l, "\n"))
}

// opts chooses facts of MLST; UTF8 is always on.
func (s *session) opts(arg string) {
	name, rest, _ := strings.Cut(arg, " ")
	switch strings.ToUpper(name) {
	case "UTF8":
		if strings.EqualFold(rest, "OFF") {
			s.wrong(501, "UTF8 is always on")
			return
		}
		s.reply(200, "UTF8 is on")
	case "MLST":
		s.facts = parseFacts(rest)
		s.reply(200, "MLST OPTS "+s.facts.String())
	default:
		s.wrong(501, "Not known")
	}
}

func (s *session) help(string) {
	var names []string
	for name := range verbs {
		names = append(names, name)
	}
	slices.Sort(names)
	s.reply(214, "Commands:\n"+strings.Join(names, " ")+"\nEnd")
}

// typeIs chooses text or bytes (RFC 959, section 3.1.1).
func (s *session) typeIs(arg string) {
	switch strings.ToUpper(arg) {
	case "A", "A N":
		s.image = false
	case "I", "L 8", "L8":
		s.image = true
	default:
		s.wrong(504, "Only A, A N, I and L 8")
		return
	}
	s.reply(200, "Ok")
}

// only is a command of which one argument is understood.
func only(value string) func(*session, string) {
	return func(s *session, arg string) {
		if !strings.EqualFold(arg, value) {
			s.wrong(504, "Only "+value)
			return
		}
		s.reply(200, "Ok")
	}
}

// restAt has the next transfer begin there (RFC 3659, section 5).
func (s *session) restAt(arg string) {
	n, err := strconv.ParseUint(arg, 10, 63)
	switch {
	case err != nil:
		s.wrong(501, "Syntax: REST offset")
	case n > 0 && !s.image:
		s.wrong(501, noOffsets)
	default:
		s.rest = int64(n)
		s.reply(350, "The next transfer begins at "+strconv.FormatUint(n, 10))
	}
}
