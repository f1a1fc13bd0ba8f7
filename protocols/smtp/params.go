package smtp

import (
	"slices"
	"strconv"
	"strings"

	gosmtp "github.com/emersion/go-smtp"
)

// A param is one of those that extensions add to MAIL and RCPT (RFC 5321, section
// 4.1.1.11).
type param struct {
	name, value string // the name in upper case
	given       bool   // there was an =
}

// params reads what follows a path. One that is given twice is wrong.
func (p *parser) params() (list []param, ok bool) {
	for p.take(' ') {
		for p.take(' ') {
		}
		name := p.span(isKeyword)
		if name == "" || name[0] == '-' {
			return nil, false
		}
		a := param{name: strings.ToUpper(name), given: p.take('=')}
		if a.given {
			a.value = p.span(isValue)
		}
		if slices.ContainsFunc(list, func(b param) bool { return a.name == b.name }) || a.given && a.value == "" {
			return nil, false
		}
		list = append(list, a)
	}
	return list, p.rest == ""
}

func isKeyword(r rune) bool { return isLetDig(r) || r == '-' }

func isValue(r rune) bool { return r != '=' && r != ' ' }

var (
	badParam     = reply{501, "5.5.4", "Bad parameter value"}
	unknownParam = reply{555, "5.5.4", "Parameter not recognized"}
	tooLarge     = reply{552, "5.3.4", "Message is larger than the server takes"}
)

// mailOptions makes options of the parameters of MAIL. The reply has no code if
// there is nothing wrong.
func (s *session) mailOptions(list []param) (o MailOptions, wrong reply) {
	for _, p := range list {
		ok := false
		switch {
		case p.name == "SIZE": // RFC 1870
			o.Size, ok = parseSize(p.value)
			if max := s.server.MaxMessageBytes; ok && max >= 0 && o.Size > max {
				return o, tooLarge
			}
		case p.name == "BODY": // RFC 6152
			o.Body = gosmtp.BodyType(strings.ToUpper(p.value))
			ok = o.Body == gosmtp.Body7Bit || o.Body == gosmtp.Body8BitMIME
		case p.name == "SMTPUTF8": // RFC 6531
			o.UTF8, ok = true, !p.given
		case p.name == "AUTH": // RFC 4954, section 5: of others we do not believe it
			var who string
			who, ok = decodeXtext(p.value)
			if ok = ok && printable(who); !s.user || who == "<>" {
				who = ""
			}
			o.Auth = &who
		case p.name == "RET" && s.server.EnableDSN: // RFC 3461, section 4.3
			o.Return = gosmtp.DSNReturn(strings.ToUpper(p.value))
			ok = o.Return == gosmtp.DSNReturnFull || o.Return == gosmtp.DSNReturnHeaders
		case p.name == "ENVID" && s.server.EnableDSN: // section 4.4
			o.EnvelopeID, ok = decodeXtext(p.value)
			ok = ok && len(p.value) <= 100 && printable(o.EnvelopeID)
		default:
			return o, unknownParam
		}
		if !ok {
			return o, badParam
		}
	}
	return o, reply{}
}

// rcptOptions does the same for RCPT.
func (s *session) rcptOptions(list []param) (o RcptOptions, wrong reply) {
	for _, p := range list {
		ok := false
		switch {
		case p.name == "NOTIFY" && s.server.EnableDSN: // RFC 3461, section 4.1
			o.Notify, ok = parseNotify(p.value)
		case p.name == "ORCPT" && s.server.EnableDSN: // section 4.2
			o.OriginalRecipientType, o.OriginalRecipient, ok = parseOriginal(p.value)
		default:
			return o, unknownParam
		}
		if !ok {
			return o, badParam
		}
	}
	return o, reply{}
}

// parseSize reads up to 20 digits; what does not fit is more than any limit.
func parseSize(s string) (int64, bool) {
	if s == "" || len(s) > 20 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, _ := strconv.ParseInt(s, 10, 64) // the largest, if it is out of range
	return n, true
}

func parseNotify(s string) (list []gosmtp.DSNNotify, ok bool) {
	for word := range strings.SplitSeq(strings.ToUpper(s), ",") {
		n := gosmtp.DSNNotify(word)
		switch n {
		case gosmtp.DSNNotifyNever, gosmtp.DSNNotifyDelayed, gosmtp.DSNNotifyFailure, gosmtp.DSNNotifySuccess:
		default:
			return nil, false
		}
		if slices.Contains(list, n) {
			return nil, false
		}
		list = append(list, n)
	}
	return list, len(list) == 1 || !slices.Contains(list, gosmtp.DSNNotifyNever)
}

// parseOriginal reads the original recipient: its kind and address (RFC 3461,
// section 4.2; RFC 6533, section 3).
func parseOriginal(s string) (kind gosmtp.DSNAddressType, addr string, ok bool) {
	name, text, ok := strings.Cut(s, ";")
	if !ok || len(s) > 500 {
		return "", "", false
	}
	switch kind = gosmtp.DSNAddressType(strings.ToUpper(name)); kind {
	case gosmtp.DSNAddressTypeRFC822:
		addr, ok = decodeXtext(text)
		ok = ok && printable(addr)
	case gosmtp.DSNAddressTypeUTF8:
		addr, ok = decodeUTF8Address(text)
	default:
		return "", "", false
	}
	return kind, addr, ok && addr != ""
}

// decodeXtext undoes the +XX of RFC 3461, section 4.
func decodeXtext(s string) (string, bool) {
	var b strings.Builder
	for {
		plain, code, found := strings.Cut(s, "+")
		b.WriteString(plain)
		if !found {
			return b.String(), isASCII(b.String())
		}
		if len(code) < 2 || strings.Trim(code[:2], "0123456789ABCDEF") != "" {
			return "", false
		}
		n, _ := strconv.ParseUint(code[:2], 16, 8)
		b.WriteByte(byte(n))
		s = code[2:]
	}
}

// decodeUTF8Address undoes the \x{X} of RFC 6533, section 3.
func decodeUTF8Address(s string) (string, bool) {
	var b strings.Builder
	for {
		plain, code, found := strings.Cut(s, `\x{`)
		b.WriteString(plain)
		if !found {
			break
		}
		hex, rest, closed := strings.Cut(code, "}")
		n, err := strconv.ParseUint(hex, 16, 21)
		if !closed || err != nil || strings.ToUpper(hex) != hex {
			return "", false
		}
		b.WriteRune(rune(n))
		s = rest
	}
	p := parser{rest: b.String(), utf8: true}
	return b.String(), !strings.ContainsFunc(p.rest, func(r rune) bool { return !p.allows(r) })
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}
