package smtp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	gosmtp "github.com/emersion/go-smtp"
)

// A queueEntry is a message in the queue. Exported fields are in its envelope file, as
// JSON. It belongs to Queue.mu.
type queueEntry struct {
	Version    int               `json:"version"`
	ID         string            `json:"id"`             // of its files
	Name       string            `json:"name,omitempty"` // what the client was told, if that is another
	Time       time.Time         `json:"time"`
	From       string            `json:"from"`
	Size       int64             `json:"size"` // of the message file
	Body       gosmtp.BodyType   `json:"body,omitempty"`
	UTF8       bool              `json:"utf8,omitempty"`
	RequireTLS bool              `json:"requiretls,omitempty"`
	Return     gosmtp.DSNReturn  `json:"ret,omitempty"`
	EnvelopeID string            `json:"envid,omitempty"`
	To         []*queueRecipient `json:"to"` // those that are not done with

	writing sync.Mutex  // held while its files are written, before Queue.mu
	held    int64       // bytes that count for it
	jobs    []*queueJob // nil while it is being taken
	dirty   bool        // the file says less than we know
	again   bool        // it will be written again before long
}

// A queueRecipient is one of an entry.
type queueRecipient struct {
	Address      string                `json:"address"`
	Notify       []gosmtp.DSNNotify    `json:"notify,omitempty"`
	OriginalType gosmtp.DSNAddressType `json:"orcptType,omitempty"`
	Original     string                `json:"orcpt,omitempty"`
	State        queueState            `json:"state,omitempty"`
	Attempts     int                   `json:"attempts,omitempty"`
	Next         time.Time             `json:"next,omitzero"`
	Warned       bool                  `json:"warned,omitempty"` // of the delay
	Last         *queueFault           `json:"last,omitempty"`

	active bool // an attempt is under way
}

// A queueState is what is to be done for a recipient.
type queueState string

const (
	queueWaiting queueState = ""        // send
	queueFailed  queueState = "failed"  // report that
	queueRelayed queueState = "relayed" // report that: a server has it that will not
)

// A queueFault is what came of an attempt that did not succeed.
type queueFault struct {
	Code   int       `json:"code,omitempty"`   // of a reply; 0 if there was none
	Status string    `json:"status,omitempty"` // RFC 3463
	Text   string    `json:"text,omitempty"`
	Host   string    `json:"host,omitempty"` // the server
	Time   time.Time `json:"time,omitzero"`
}

func (f *queueFault) String() string {
	if f.Code == 0 {
		return f.Text
	}
	return fmt.Sprintf("%d %s %s", f.Code, f.Status, f.Text)
}

const (
	queueVersion = 1

	// maxQueueFile is how large a file may be, and maxQueueGrowth how much may be added
	// to it for a recipient: a fault, of which each byte may be two in JSON.
	maxQueueFile   = 16 << 20
	maxQueueGrowth = 4 << 10

	// maxFaultText is how much is kept of what a server says.
	maxFaultText = 500
)

// newQueueEntry is e as an entry, if it could be sent at all.
func newQueueEntry(e *Envelope) (*queueEntry, error) {
	n := &queueEntry{
		Version: queueVersion, ID: e.ID, Time: e.Time.UTC().Round(0),
		Body: e.Options.Body, UTF8: e.Options.UTF8, RequireTLS: e.Options.RequireTLS,
		Return: e.Options.Return, EnvelopeID: e.Options.EnvelopeID,
	}
	if e.From != "" {
		from, err := ParseAddress(e.From)
		if err != nil {
			return nil, malformed(7, e.From)
		}
		n.From = from.String()
	}
	known := make(map[string]bool, len(e.To))
	for _, r := range e.To {
		to, err := ParseAddress(r.Address)
		if err != nil {
			return nil, malformed(3, r.Address)
		}
		if known[to.String()] {
			continue
		}
		known[to.String()] = true
		n.To = append(n.To, &queueRecipient{
			Address: to.String(), Notify: r.Options.Notify,
			OriginalType: r.Options.OriginalRecipientType, Original: r.Options.OriginalRecipient,
		})
	}
	if err := n.check(); err != nil {
		return nil, refusal(554, EnhancedCode{5, 5, 4}, err.Error())
	}
	return n, nil
}

func (e *queueEntry) encode() ([]byte, error) {
	var b bytes.Buffer
	j := json.NewEncoder(&b)
	j.SetIndent("", "\t")
	j.SetEscapeHTML(false)
	err := j.Encode(e)
	return b.Bytes(), err
}

var errQueueFile = errors.New("smtp: not an envelope of a Queue")

// decodeQueueEntry reads an envelope file.
func decodeQueueEntry(data []byte) (*queueEntry, error) {
	var e queueEntry
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", errQueueFile, err)
	}
	if e.Version != queueVersion {
		return nil, fmt.Errorf("%w: version %d", errQueueFile, e.Version)
	}
	if err := e.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", errQueueFile, err)
	}
	return &e, nil
}

// check finds what could not be sent, or would be something else when it is.
func (e *queueEntry) check() error {
	switch {
	case e.From != "" && !isAddress(e.From):
		return fmt.Errorf("from %q", e.From)
	case len(e.To) == 0:
		return errors.New("no recipients")
	case !printable(e.EnvelopeID) || len(e.EnvelopeID) > 100:
		return fmt.Errorf("envelope id %q", e.EnvelopeID)
	case e.Return != "" && e.Return != gosmtp.DSNReturnFull && e.Return != gosmtp.DSNReturnHeaders:
		return fmt.Errorf("RET=%q", e.Return)
	case e.Size < 0:
		return fmt.Errorf("size %d", e.Size)
	}
	for _, r := range e.To {
		if r == nil {
			return errors.New("no recipient")
		}
		if err := r.check(); err != nil {
			return err
		}
	}
	return nil
}

func (r *queueRecipient) check() error {
	var words []string
	for _, n := range r.Notify {
		words = append(words, string(n))
	}
	_, notify := parseNotify(strings.Join(words, ","))
	known := r.State == queueWaiting || (r.State == queueFailed || r.State == queueRelayed) && r.Last != nil
	switch {
	case !isAddress(r.Address):
		return fmt.Errorf("recipient %q", r.Address)
	case len(words) > 0 && !notify:
		return fmt.Errorf("NOTIFY=%q", words)
	case !r.original():
		return fmt.Errorf("ORCPT=%q;%q", r.OriginalType, r.Original)
	case !known:
		return fmt.Errorf("state %q", r.State)
	case r.Attempts < 0, r.Attempts > 0 && r.Last == nil: // of which there is nothing to report
		return fmt.Errorf("%d attempts", r.Attempts)
	}
	return nil
}

// original reports whether there is a well-formed ORCPT, or none.
func (r *queueRecipient) original() bool {
	if len(r.Original) > 500 {
		return false
	}
	switch r.OriginalType {
	case "":
		return r.Original == ""
	case gosmtp.DSNAddressTypeRFC822:
		return printable(r.Original)
	case gosmtp.DSNAddressTypeUTF8:
		p := parser{utf8: true}
		return !strings.ContainsFunc(r.Original, func(c rune) bool { return !p.allows(c) })
	}
	return false
}

// isAddress reports whether s is one in canonical form.
func isAddress(s string) bool {
	a, err := ParseAddress(s)
	return err == nil && a.String() == s
}

func isDomain(s string) bool {
	p := parser{rest: s}
	_, ok := p.domain()
	return ok && p.rest == ""
}

// notAfter sees to it that nothing was written later, whatever the clock was then.
func (e *queueEntry) notAfter(now time.Time) {
	if e.Time.After(now) {
		e.Time = now
	}
	for _, r := range e.To {
		if r.Last != nil && r.Last.Time.After(now) {
			r.Next = now
		}
	}
}

// name is what the client was told.
func (e *queueEntry) name() string {
	if e.Name != "" {
		return e.Name
	}
	return e.ID
}

// drop forgets recipients that are done with.
func (e *queueEntry) drop(gone []*queueRecipient) {
	e.To = slices.DeleteFunc(e.To, func(r *queueRecipient) bool { return slices.Contains(gone, r) })
}

// mail is the message for some of the recipients, without its Body.
func (e *queueEntry) mail(to []*queueRecipient) Mail {
	m := Mail{From: e.From, Options: MailOptions{
		Body: e.Body, UTF8: e.UTF8, RequireTLS: e.RequireTLS, Return: e.Return, EnvelopeID: e.EnvelopeID,
	}}
	for _, r := range to {
		m.To = append(m.To, r.Address)
		m.RcptOptions = append(m.RcptOptions, RcptOptions{
			Notify: r.Notify, OriginalRecipientType: r.OriginalType, OriginalRecipient: r.Original,
		})
	}
	return m
}

// wants reports whether the sender wants to hear of what.
func (e *queueEntry) wants(r *queueRecipient, what gosmtp.DSNNotify) bool {
	switch {
	case e.From == "": // RFC 5321, section 6.1
		return false
	case len(r.Notify) == 0: // RFC 3461, section 4.1
		return what == gosmtp.DSNNotifyFailure
	}
	return slices.Contains(r.Notify, what)
}

// isQueueID reports whether no file system takes s for something else.
func isQueueID(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}
