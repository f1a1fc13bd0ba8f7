package smtp

import (
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
)

// errNoSeeker is an engine's mistake, see Session.
var errNoSeeker = errors.New("smtp: the message cannot be rewound")

var errNoHeader = &SMTPError{Code: 554, EnhancedCode: EnhancedCode{5, 6, 0}, Message: "The message begins with a folded line"}

// A localSession is one connection's. There are thousands which do nothing, so
// what belongs to a transaction is made in Mail.
type localSession struct {
	local *Local
	peer  *Peer
	mail  *localMail // the transaction
}

// A localMail is a message on its way. To is who is here.
type localMail struct {
	Envelope
	outgoing []Recipient // who is elsewhere
}

// OnLoop is what Local says.
func (s *localSession) OnLoop() (commands, data bool) { return s.local.OnLoop() }

// AuthMechanisms is empty if there are no users.
func (s *localSession) AuthMechanisms() []string {
	switch {
	case s.local.Authenticate == nil:
		return nil
	case s.local.Login:
		return []string{sasl.Plain, sasl.Login}
	}
	return []string{sasl.Plain}
}

func (s *localSession) Auth(mechanism string) (sasl.Server, error) {
	switch name := strings.ToUpper(mechanism); {
	case s.local.Authenticate == nil:
		return nil, gosmtp.ErrAuthUnsupported
	case name == sasl.Plain:
		return newPlainServer(s.authenticate), nil
	case name == sasl.Login && s.local.Login:
		return &loginServer{authenticate: s.authenticate}, nil
	}
	return nil, gosmtp.ErrAuthUnknownMechanism
}

func (s *localSession) authenticate(user, password string) error {
	if err := s.local.Authenticate(user, password); err != nil {
		return err
	}
	s.peer.User = user
	return nil
}

func (s *localSession) Mail(from string, opts *MailOptions) error {
	if s.local.RequireAuth && s.peer.User == "" {
		return errAuthRequired
	}
	s.Reset()
	peer := *s.peer // which goes on, and changes, while a delivery may keep this one
	s.mail = &localMail{Envelope: Envelope{Peer: &peer, From: from}}
	if opts != nil {
		s.mail.Options = *opts
	}
	return nil
}

func (s *localSession) Rcpt(to string, opts *RcptOptions) error {
	outgoing, err := s.local.route(to, s.peer.User != "")
	if err != nil {
		return err
	}
	r := Recipient{Address: to}
	if opts != nil {
		r.Options = *opts
	}
	if outgoing {
		s.mail.outgoing = append(s.mail.outgoing, r)
	} else {
		s.mail.To = append(s.mail.To, r)
	}
	return nil
}

func (s *localSession) Reset() { s.mail = nil }

func (s *localSession) Logout() error { return nil }

// Data gives the message to those who are asked for all recipients at once.
func (s *localSession) Data(r io.Reader) error {
	message, err := beginning(r)
	if err != nil {
		return err
	}
	s.identify()
	var reply error
	if len(s.mail.outgoing) > 0 {
		reply = s.deliver(s.local.Outgoing, s.mail.outgoing, message)
	}
	if len(s.mail.To) > 0 && accepted(reply) {
		reply = s.deliver(s.local.Delivery, s.mail.To, message)
	}
	return s.reply(reply)
}

// LMTPData asks for each recipient, as its protocol allows. One that is named twice
// gets the message once, and what became of it is said twice.
func (s *localSession) LMTPData(r io.Reader, status StatusCollector) error {
	message, err := beginning(r)
	if err != nil {
		return err
	}
	s.identify()
	s.deliverEach(s.local.Outgoing, s.mail.outgoing, message, status)
	s.deliverEach(s.local.Delivery, s.mail.To, message, status)
	return nil
}

func (s *localSession) deliverEach(d Delivery, to []Recipient, message io.ReadSeeker, status StatusCollector) {
	replies := make(map[string]error, len(to))
	for _, r := range to {
		reply, done := replies[r.Address]
		if !done {
			reply = s.reply(s.deliver(d, []Recipient{r}, message))
			replies[r.Address] = reply
		}
		status.SetStatus(r.Address, reply)
	}
}

// beginning is the message, if what a delivery writes in front of it stays what it is: a
// line that begins with a space would go on with the last field of that.
func beginning(r io.Reader) (io.ReadSeeker, error) {
	message, ok := r.(io.ReadSeeker)
	if !ok {
		return nil, errNoSeeker
	}
	var first [1]byte
	if n, _ := message.Read(first[:]); n > 0 && (first[0] == ' ' || first[0] == '\t') {
		return nil, errNoHeader
	}
	return message, nil
}

// checkBeginning is the same for a delivery, to which others than Local may give messages, too.
func checkBeginning(message io.ReadSeeker) error {
	if _, err := message.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := beginning(message); err != nil {
		return err
	}
	_, err := message.Seek(0, io.SeekStart)
	return err
}

// deliver gives the message, from its beginning, to d, in an envelope that d may
// keep.
func (s *localSession) deliver(d Delivery, to []Recipient, message io.ReadSeeker) error {
	if _, err := message.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return d.Deliver(s.addressed(to), message)
}

// addressed is the transaction's envelope for some of its recipients.
func (s *localSession) addressed(to []Recipient) *Envelope {
	e := s.mail.Envelope
	e.To = to
	return &e
}

// identify gives the message its name and time, once.
func (s *localSession) identify() {
	if s.mail.ID == "" {
		s.mail.ID, s.mail.Time = rand.Text()[:16], time.Now()
	}
}

// reply is err, or what is said if all went well and nothing else is to be said.
func (s *localSession) reply(err error) error {
	if err != nil {
		return err
	}
	return &SMTPError{Code: 250, EnhancedCode: EnhancedCode{2, 0, 0}, Message: "Ok: queued as " + s.mail.ID}
}

// A localSpooler is a localSession that has a Delivery which receives large messages
// itself.
type localSpooler struct{ localSession }

// Spool asks the Delivery of those who are here, or else that of those elsewhere.
// Over LMTP that is the first who will be delivered to, whose trouble is not that of
// the others.
func (s *localSpooler) Spool() (Spool, error) {
	s.identify()
	d, to := s.local.Delivery, s.mail.To
	if _, spools := d.(SpoolDelivery); !spools || len(to) == 0 {
		d, to = s.local.Outgoing, s.mail.outgoing
	}
	sd, spools := d.(SpoolDelivery)
	if !spools || len(to) == 0 {
		return tempSpool()
	}
	if !s.peer.LMTP {
		return sd.Spool(s.addressed(to))
	}
	spool, err := sd.Spool(s.addressed(to[:1]))
	if err != nil {
		return tempSpool()
	}
	return spool, nil
}
