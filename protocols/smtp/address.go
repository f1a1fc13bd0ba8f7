package smtp

import (
	"errors"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An Address is a mailbox (RFC 5321, section 4.1.2).
type Address struct {
	Local  string // before the @, without quotes: "v@other.org" is v@other.org here
	Domain string // a domain, or an address in brackets; empty for Postmaster alone
}

// ErrAddress is the error of ParseAddress.
var ErrAddress = errors.New("smtp: not an address")

// ParseAddress reads user@domain, where either may hold characters beyond ASCII
// (RFC 6531, section 3.3), or Postmaster. There are no angle brackets, no source
// route, no display name and no space around it.
func ParseAddress(s string) (Address, error) {
	p := parser{rest: s, utf8: true}
	a, ok := p.mailbox()
	if !ok || p.rest != "" || !utf8.ValidString(s) {
		return Address{}, ErrAddress
	}
	return a, nil
}

// String returns the address in canonical form: the local part is quoted where it
// has to be, and nowhere else.
func (a Address) String() string {
	local := a.Local
	if p := (parser{rest: local, utf8: true}); !p.dotString() || p.rest != "" {
		local = `"` + quoter.Replace(local) + `"`
	}
	if a.Domain == "" {
		return local
	}
	return local + "@" + a.Domain
}

var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// Octets of the two parts (RFC 5321, section 4.5.3.1).
const (
	maxLocal  = 64
	maxDomain = 255
)

// A parser reads the arguments of commands from the left. What does not fit leaves
// rest somewhere, and is the end of it.
type parser struct {
	rest string
	utf8 bool // beyond ASCII is allowed (SMTPUTF8)
}

// path reads a Path in angle brackets. A source route is passed over, for mail
// goes to the mailbox whatever way is proposed (RFC 5321, appendix C).
func (p *parser) path() (a Address, ok bool) {
	if !p.take('<') || (p.at('@') && !p.route()) {
		return Address{}, false
	}
	a, ok = p.mailbox()
	return a, ok && p.take('>')
}

// nullPath reads <>.
func (p *parser) nullPath() bool {
	rest, ok := strings.CutPrefix(p.rest, "<>")
	p.rest = rest
	return ok
}

func (p *parser) route() bool {
	for p.take('@') {
		if _, ok := p.domain(); !ok {
			return false
		}
		if p.take(':') {
			return true
		}
		if !p.take(',') {
			return false
		}
	}
	return false
}

func (p *parser) mailbox() (a Address, ok bool) {
	if a.Local, ok = p.local(); !ok || len(a.Local) > maxLocal {
		return Address{}, false
	}
	if !p.take('@') {
		return a, strings.EqualFold(a.Local, "postmaster")
	}
	a.Domain, ok = p.domain()
	return a, ok
}

func (p *parser) local() (string, bool) {
	if p.at('"') {
		return p.quoted()
	}
	whole := p.rest
	ok := p.dotString()
	return whole[:len(whole)-len(p.rest)], ok
}

// dotString passes atoms with single dots between them.
func (p *parser) dotString() bool {
	for {
		if p.span(isAtext) == "" {
			return false
		}
		if !p.take('.') {
			return true
		}
	}
}

// quoted reads a Quoted-string and takes its quotes and backslashes away.
func (p *parser) quoted() (string, bool) {
	var b strings.Builder
	p.take('"')
	for !p.take('"') {
		if p.take('\\') && (p.rest == "" || p.rest[0] >= utf8.RuneSelf) {
			return "", false
		}
		r, n := utf8.DecodeRuneInString(p.rest)
		if n == 0 || !p.allows(r) {
			return "", false
		}
		b.WriteString(p.rest[:n])
		p.rest = p.rest[n:]
	}
	return b.String(), true
}

// domain reads a name or an address literal.
func (p *parser) domain() (string, bool) {
	if p.at('[') {
		return p.literal()
	}
	whole := p.rest
	for {
		label := p.span(isLabel)
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' || len(label) > 63 {
			return "", false
		}
		if !p.take('.') {
			break
		}
	}
	d := whole[:len(whole)-len(p.rest)]
	return d, len(d) <= maxDomain
}

// literal reads an IP address in brackets (RFC 5321, section 4.1.3).
func (p *parser) literal() (string, bool) {
	end := strings.IndexByte(p.rest, ']')
	if end < 0 {
		return "", false
	}
	whole := p.rest[:end+1]
	p.rest = p.rest[end+1:]
	text := whole[1:end]
	six := len(text) > len("IPv6:") && strings.EqualFold(text[:len("IPv6:")], "IPv6:")
	if six {
		text = text[len("IPv6:"):]
	}
	ip, err := netip.ParseAddr(text)
	return whole, err == nil && ip.Is6() == six && ip.Zone() == ""
}

// span passes the characters that class allows, and returns them.
func (p *parser) span(class func(rune) bool) string {
	i := strings.IndexFunc(p.rest, func(r rune) bool { return !class(r) || !p.allows(r) })
	if i < 0 {
		i = len(p.rest)
	}
	s := p.rest[:i]
	p.rest = p.rest[i:]
	return s
}

// allows reports whether r may stand anywhere at all.
func (p *parser) allows(r rune) bool {
	if r < utf8.RuneSelf {
		return ' ' <= r && r <= '~'
	}
	return p.utf8 && unicode.IsPrint(r) && r != utf8.RuneError
}

func (p *parser) at(c byte) bool { return p.rest != "" && p.rest[0] == c }

func (p *parser) take(c byte) bool {
	if !p.at(c) {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// isAtext is what an atom is made of (RFC 5322, section 3.2.3; RFC 6532).
func isAtext(r rune) bool {
	return isLetDig(r) || r >= utf8.RuneSelf || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}

func isLabel(r rune) bool { return isLetDig(r) || r == '-' || r >= utf8.RuneSelf }

func isLetDig(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}
