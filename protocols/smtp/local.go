package smtp

import (
	"net/netip"
	"strings"
	"sync"
)

// Local is a Backend that takes mail for the mailboxes of this host, and from users
// who have proved who they are, if there are any, mail for elsewhere. Its fields may
// not change once it is in use; any number of servers and loops may share it.
//
// It is no open relay, whatever its fields say. Mail for elsewhere is taken only
// from a user, and only if there is Outgoing. An address of ours whose local part
// holds another destination ("user%other@ours", "other!user@ours",
// "user@other"@ours) is refused with 550 5.7.1 even where every mailbox is ours,
// so that nothing behind us can take it for a route, and a tester cannot take us
// for a relay; only if Mailboxes has it is it taken, as the mailbox of that name.
// Source routes (<@other:user@ours>) are not followed.
//
// Who has logged in may write any sender: that of MAIL is not compared with the user. And
// reports on mail for our mailboxes, which Config.EnableDSN promises, are up to Delivery:
// a [Maildir], an [Inbox] and a [Func] write none.
//
// A message that begins with a space or a tab is refused with 554 5.6.0: it would go on
// with the last of the fields that are written in front of it.
type Local struct {
	// Domains are ours, in any case; all are if there are none, and then nothing
	// is elsewhere. One with other letters than ASCII has two spellings, and needs
	// both. An address in brackets is ours only if it is here, with its brackets:
	// that a client has connected to it proves nothing.
	Domains []string

	// Mailboxes are those we have, in any case: "user" in all of our domains,
	// "user@domain" in one. All exist if there are none. Others are refused with
	// 550 5.1.1. Postmaster, in each of our domains and without any, is always
	// one (RFC 5321, section 4.5.1).
	Mailboxes []string

	// Delivery takes the mail for our mailboxes. Without it there are none.
	Delivery Delivery

	// Authenticate reports whether this is the user's password; without it AUTH
	// is not offered. It is called on a goroutine of the pool, several times at
	// once, with whatever has been sent: up to 12 KB, neither of them empty, and
	// no NUL.
	// An *SMTPError is the reply, for example 454 4.7.0 if this cannot be told
	// now, and any other error is answered with 535 5.7.8: say the same for an
	// unknown user as for a wrong password, and take the same time for both. The
	// answer to a failed login comes a second later, against who guesses: a test that
	// runs by a clock of its own has to advance it.
	//
	// All connections of a reactor share the pool (its Config.Workers, 4 if zero), for
	// messages too: where this asks a database or LDAP, bound that wait and make the
	// pool larger.
	Authenticate func(user, password string) error

	// Login offers AUTH LOGIN besides PLAIN, for old programs.
	Login bool

	// RequireAuth takes mail only from users: this is a submission server (RFC
	// 6409). Others are told 530 5.7.0.
	RequireAuth bool

	// Outgoing takes mail of users for addresses that are not ours, a [Queue] for
	// example. Without it these are refused, for everybody else they always are: 550
	// 5.7.1.
	//
	// A message for both goes to Outgoing first. If Delivery then fails, the client
	// is told so and tries again, and those elsewhere get it twice: mail is
	// sometimes doubled, and never lost without a word. What Outgoing refuses
	// nobody has got.
	Outgoing Delivery

	once      sync.Once
	domains   map[string]bool
	mailboxes map[Address]bool // those of all domains have an empty Domain
}

// A LoopDelivery is a Delivery that may never wait for anything. If it says so,
// Local has it called on the loop.
type LoopDelivery interface {
	OnLoop() bool
}

// A SpoolDelivery is a Delivery that wants to receive large messages itself: Local
// passes the Spooler's question on, with what is known of the message. The Spool
// is then the message of Deliver, which is called with the same Envelope, or with
// one for each of its recipients over LMTP.
type SpoolDelivery interface {
	Spool(e *Envelope) (Spool, error)
}

// NewSession never fails.
func (l *Local) NewSession(p *Peer) (Session, error) {
	l.once.Do(l.index)
	s := localSession{local: l, peer: p}
	_, here := l.Delivery.(SpoolDelivery)
	_, elsewhere := l.Outgoing.(SpoolDelivery)
	if here || elsewhere {
		return &localSpooler{s}, nil
	}
	return &s, nil
}

// OnLoop says that commands wait for nothing. Nor does a message if each Delivery is
// a [LoopDelivery] that says so.
func (l *Local) OnLoop() (commands, data bool) {
	return true, neverWaits(l.Delivery) && neverWaits(l.Outgoing)
}

func neverWaits(d Delivery) bool {
	if d == nil {
		return true
	}
	l, ok := d.(LoopDelivery)
	return ok && l.OnLoop()
}

// index makes maps of the lists.
func (l *Local) index() {
	l.domains = make(map[string]bool, len(l.Domains))
	for _, d := range l.Domains {
		l.domains[domainKey(d)] = true
	}
	l.mailboxes = make(map[Address]bool, len(l.Mailboxes))
	for _, m := range l.Mailboxes {
		a, err := ParseAddress(m)
		if err != nil {
			a = Address{Local: m}
		}
		l.mailboxes[mailboxKey(a)] = true
	}
}

// mailboxKey is the same for all spellings of an address.
func mailboxKey(a Address) Address {
	return Address{Local: strings.ToLower(a.Local), Domain: domainKey(a.Domain)}
}

// domainKey is the same for all spellings of a domain, or of an address literal.
func domainKey(d string) string {
	d = strings.ToLower(d)
	if text, ok := strings.CutPrefix(d, "["); ok {
		text = strings.TrimPrefix(strings.TrimSuffix(text, "]"), "ipv6:")
		if ip, err := netip.ParseAddr(text); err == nil {
			return "[" + ip.Unmap().String() + "]"
		}
	}
	return d
}

var (
	errUnknownMailbox = &SMTPError{Code: 550, EnhancedCode: EnhancedCode{5, 1, 1}, Message: "No such mailbox here"}
	errRelay          = &SMTPError{Code: 550, EnhancedCode: EnhancedCode{5, 7, 1}, Message: "Relaying denied"}
	errBadAddress     = &SMTPError{Code: 553, EnhancedCode: EnhancedCode{5, 1, 3}, Message: "Bad recipient address"}
	errAuthRequired   = &SMTPError{Code: 530, EnhancedCode: EnhancedCode{5, 7, 0}, Message: "Authentication required"}
)

// route says which delivery takes mail for an address, or why none does.
func (l *Local) route(to string, authenticated bool) (outgoing bool, err error) {
	a, err := ParseAddress(to)
	if err != nil {
		return false, errBadAddress
	}
	key := mailboxKey(a)
	if a.Domain != "" && len(l.domains) > 0 && !l.domains[key.Domain] {
		if l.Outgoing == nil || !authenticated {
			return false, errRelay
		}
		return true, nil
	}
	return false, l.accepts(key)
}

// accepts says why there is no such mailbox in a domain of ours.
func (l *Local) accepts(key Address) error {
	listed := l.mailboxes[key] || l.mailboxes[Address{Local: key.Local}]
	switch {
	case l.Delivery == nil:
		return errUnknownMailbox
	case listed || key.Local == "postmaster":
		return nil
	case strings.ContainsAny(key.Local, "%!@"):
		return errRelay
	case len(l.mailboxes) > 0:
		return errUnknownMailbox
	}
	return nil
}
