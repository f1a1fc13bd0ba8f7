package smtp

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// foldAt is how long a line of a header field may be, without its CRLF (RFC
	// 5322, section 2.1.1). Only a word that is longer makes a longer one.
	foldAt = 78

	// maxWord keeps every line below the 998 characters of the same section.
	maxWord = 900

	// dateLayout is a date-time of RFC 5322, section 3.3.
	dateLayout = "Mon, 2 Jan 2006 15:04:05 -0700"
)

// Trace returns the Return-Path and the Received line, which whoever puts a
// message into a mailbox writes in front of it (RFC 5321, section 4.4). Who passes
// it on writes [Envelope.Received] only. The lines end with CRLF.
//
// Whatever a peer has said, it is one field, and says no more than one: control
// characters are question marks, and so are others than ASCII unless the message
// came with SMTPUTF8.
func (e *Envelope) Trace() []byte { return append(e.returnPath(), e.Received()...) }

// Received returns the Received line, which every server that a message passes
// writes in front of it. It names the recipient if there is only one: others are
// not told to each other.
func (e *Envelope) Received() []byte {
	f := newField("Received:")
	f.add("from " + e.word(e.peer().Hostname, "unknown"))
	if ip := literal(e.peer().Remote); ip != "" {
		f.add("(" + ip + ")")
	}
	f.add("by " + e.word(e.peer().Server, "localhost"))
	f.add("with " + e.with())
	if state := e.peer().TLS; state != nil {
		f.add("(" + tls.VersionName(state.Version) + ",")
		f.add(tls.CipherSuiteName(state.CipherSuite) + ")")
	}
	last := "id " + e.word(e.ID, "unknown")
	if len(e.To) == 1 {
		f.add(last)
		last = "for " + e.path(e.To[0].Address)
	}
	f.add(last + ";")
	f.add(e.Time.Format(dateLayout))
	return f.end()
}

// returnPath is the reverse-path as a header field; the null one is <>.
func (e *Envelope) returnPath() []byte {
	f := newField("Return-Path:")
	f.add(e.path(e.From))
	return f.end()
}

// deliveredTo names each recipient once.
func (e *Envelope) deliveredTo() []byte {
	var b []byte
	told := make(map[string]bool, len(e.To))
	for _, r := range e.To {
		if told[r.Address] {
			continue
		}
		told[r.Address] = true
		f := newField("Delivered-To:")
		f.add(e.clean(r.Address))
		b = append(b, f.end()...)
	}
	return b
}

// with is the protocol's name: of RFC 3848, and with SMTPUTF8 of RFC 6531, section
// 4.3. There is none for HELO over TLS or with SMTPUTF8.
func (e *Envelope) with() string {
	p, name := e.peer(), "ESMTP"
	switch {
	case p.LMTP:
		name = "LMTP"
	case !p.ESMTP:
		return "SMTP"
	}
	if e.Options.UTF8 {
		name = "UTF8" + strings.TrimPrefix(name, "E")
	}
	if p.TLS != nil {
		name += "S"
	}
	if p.User != "" {
		name += "A"
	}
	return name
}

// peer is never nil, so that an Envelope made by hand has a trace, too.
func (e *Envelope) peer() *Peer {
	if e.Peer == nil {
		return &Peer{}
	}
	return e.Peer
}

func (e *Envelope) path(address string) string { return "<" + e.clean(address) + ">" }

// clean is s with nothing in it that ends a line.
func (e *Envelope) clean(s string) string {
	return e.only(s, func(rune) bool { return true })
}

// word is s with nothing in it that ends a domain, an address literal or an atom.
func (e *Envelope) word(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return e.only(s, func(r rune) bool { return !strings.ContainsRune(` ()<>@,;\"`, r) })
}

// only is s with question marks for what may not stand in a header, and for what
// does not fit.
func (e *Envelope) only(s string, fits func(rune) bool) string {
	if len(s) > maxWord {
		s = s[:maxWord]
	}
	return strings.Map(func(r rune) rune {
		foreign := r >= utf8.RuneSelf && (!e.Options.UTF8 || r == utf8.RuneError)
		if foreign || !unicode.IsPrint(r) || !fits(r) {
			return '?'
		}
		return r
	}, s)
}

// literal is the address literal of a (RFC 5321, section 4.1.3), empty if it is
// none of IP.
func literal(a net.Addr) string {
	if a == nil {
		return ""
	}
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return ""
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.Is4() {
		return "[" + ip.String() + "]"
	}
	return "[IPv6:" + ip.String() + "]"
}

// A field is a header field that is being written, word by word.
type field struct {
	text   []byte
	name   int // bytes of text
	column int
}

func newField(name string) *field {
	return &field{text: []byte(name), name: len(name), column: len(name)}
}

// add folds before the words if they would not fit.
func (f *field) add(words string) {
	if f.column+1+len(words) > foldAt && len(f.text) > f.name {
		f.text = append(f.text, "\r\n\t"...)
		f.column = 1
	} else {
		f.text = append(f.text, ' ')
		f.column++
	}
	f.text = append(f.text, words...)
	f.column += len(words)
}

func (f *field) end() []byte { return append(f.text, "\r\n"...) }
