package smtp

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"slices"
	"strings"
	"time"

	gosmtp "github.com/emersion/go-smtp"
)

const (
	queueHeader  = 64 << 10 // bytes of a header that are returned
	queueMessage = 1 << 20  // bytes of a message that is returned whole
)

// report tells the sender of an entry what has become of some of its recipients.
func (q *Queue) report(e *queueEntry, to []*queueRecipient) error {
	text, err := q.reportText(e, to)
	if err != nil {
		return err
	}
	envelope := &Envelope{
		Time:    time.Now(),
		Options: MailOptions{UTF8: !isASCII(e.From)},
		To:      []Recipient{{Address: e.From, Options: RcptOptions{Notify: []gosmtp.DSNNotify{gosmtp.DSNNotifyNever}}}},
	}
	q.logger().Info("smtp: report", "id", e.name(), "to", e.From, "of", len(to))
	if q.Bounces == nil {
		return q.Deliver(envelope, bytes.NewReader(text))
	}
	envelope.ID = rand.Text()
	envelope.Peer = &Peer{Server: q.domain(), Hostname: q.domain()}
	err = guarded(func() error { return q.Bounces.Deliver(envelope, bytes.NewReader(text)) })
	if accepted(err) {
		return nil
	}
	return err
}

// reportText is a message of RFC 3464, all of it ASCII but for the sender's address.
func (q *Queue) reportText(e *queueEntry, to []*queueRecipient) ([]byte, error) {
	var lines []queueLine
	q.mu.Lock()
	for _, r := range to {
		lines = append(lines, q.line(e, r))
	}
	q.mu.Unlock()

	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	f := (&Envelope{Options: MailOptions{UTF8: true}}).path(e.From)
	fmt.Fprintf(&b, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\n", q.domain())
	fmt.Fprintf(&b, "To: %s\r\n", f)
	fmt.Fprintf(&b, "Subject: %s\r\n", subject(lines))
	fmt.Fprintf(&b, "Date: %s\r\n", time.Now().Format(dateLayout))
	fmt.Fprintf(&b, "Message-ID: <%s@%s>\r\n", reportID(e, lines), q.domain())
	b.WriteString("Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n")
	fmt.Fprintf(&b, "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=%q\r\n\r\n", parts.Boundary())
	q.explain(part(parts, "text/plain; charset=us-ascii", ""), e, lines)
	q.status(part(parts, "message/delivery-status", ""), e, lines)
	original, err := q.files.open(e.ID)
	if err == nil {
		err = giveBack(parts, e, lines, original)
		original.Close()
	}
	if err != nil { // it can be done without
		q.logger().Error("smtp: cannot read a message to return it", "id", e.name(), "err", err)
	}
	if err := parts.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// reportID is the same for a report that says the same once more, so that who gets both can tell:
// a process that ends between handing one over and writing that down does it again.
func reportID(e *queueEntry, lines []queueLine) string {
	said := make([]string, len(lines))
	for i, l := range lines {
		said[i] = l.action + " " + l.Address
	}
	slices.Sort(said)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d\n%s", e.ID, e.Time.UnixNano(), strings.Join(said, "\n")))
	return hex.EncodeToString(sum[:16])
}

// part begins one, in a buffer that takes all.
func part(parts *multipart.Writer, kind, encoding string) io.Writer {
	h := textproto.MIMEHeader{"Content-Type": {kind}}
	if encoding != "" {
		h.Set("Content-Transfer-Encoding", encoding)
	}
	w, _ := parts.CreatePart(h)
	return w
}

// A queueLine is what is said of one recipient.
type queueLine struct {
	queueRecipient
	queueFault
	action string // RFC 3464, section 2.3.3
	until  time.Time
}

// line is what there is to say. With mu.
func (q *Queue) line(e *queueEntry, r *queueRecipient) queueLine {
	l := queueLine{queueRecipient: *r, queueFault: *r.Last}
	switch {
	case r.State == queueRelayed:
		l.action = "relayed"
	case r.State == queueFailed:
		l.action = "failed"
		if l.Code/100 != 5 {
			l.Status = "4.4.7" // it has been tried for too long
		} else if !strings.HasPrefix(l.Status, "5") {
			l.Status = "5.0.0" // whatever the server has made of it
		}
	default:
		l.action, l.until = "delayed", q.expires(e)
		if !strings.HasPrefix(l.Status, "4") {
			l.Status = "4.0.0"
		}
	}
	return l
}

// subject says what has become of all, or the worst of it.
func subject(lines []queueLine) string {
	text := "Mail is with a server that will not report on it"
	for _, l := range lines {
		switch l.action {
		case "failed":
			return "Mail could not be delivered"
		case "delayed":
			text = "Mail is delayed"
		}
	}
	return text
}

// explain is for people.
func (q *Queue) explain(w io.Writer, e *queueEntry, lines []queueLine) {
	fmt.Fprintf(w, "This is the mail system of %s.\r\n\r\n", q.domain())
	fmt.Fprintf(w, "Your message of %s (%s):\r\n", e.Time.Format(dateLayout), plainText(e.name()))
	said := map[string]string{
		"failed":  "could not be delivered. It will not be tried again.",
		"delayed": "could not be delivered yet. It will be tried again; you need do nothing.",
		"relayed": "was handed on to a server that will not report what becomes of it.",
	}
	for _, l := range lines {
		fmt.Fprintf(w, "\r\n<%s>\r\n    %s\r\n", asciiAddress(l.Address), said[l.action])
		if l.action == "relayed" {
			continue
		}
		who := "We say:"
		if l.Host != "" && l.Code != 0 {
			who = plainText(l.Host) + " said:"
		}
		fmt.Fprintf(w, "    %s\r\n", who)
		for _, text := range wrap(plainText(l.queueFault.String()), 70) {
			fmt.Fprintf(w, "        %s\r\n", text)
		}
	}
}

// status is for programs.
func (q *Queue) status(w io.Writer, e *queueEntry, lines []queueLine) {
	line := func(name, value string) {
		f := newField(name + ":")
		for _, word := range wrap(value, foldAt-2) {
			f.add(word)
		}
		w.Write(f.end())
	}
	line("Reporting-MTA", "dns; "+q.domain())
	if e.EnvelopeID != "" {
		line("Original-Envelope-Id", plainText(e.EnvelopeID))
	}
	line("Arrival-Date", e.Time.Format(dateLayout))
	for _, l := range lines {
		io.WriteString(w, "\r\n")
		if l.Original != "" {
			line("Original-Recipient", strings.ToLower(string(l.OriginalType))+";"+asciiAddress(l.Original))
		}
		kind := "rfc822;"
		if !isASCII(l.Address) {
			kind = "utf-8;"
		}
		line("Final-Recipient", kind+asciiAddress(l.Address))
		line("Action", l.action)
		line("Status", l.Status)
		if l.Host != "" {
			line("Remote-MTA", "dns; "+plainText(l.Host))
		}
		if l.Code != 0 && l.Host != "" {
			line("Diagnostic-Code", "smtp; "+plainText(l.queueFault.String()))
		}
		line("Last-Attempt-Date", l.Time.Format(dateLayout))
		if !l.until.IsZero() {
			line("Will-Retry-Until", l.until.Format(dateLayout))
		}
	}
}

// asciiAddress is an address in ASCII (utf-8-addr-xtext of RFC 6533, section 3).
func asciiAddress(s string) string {
	if isASCII(s) {
		return plainText(s)
	}
	var b strings.Builder
	for _, r := range s {
		if r <= ' ' || r > '~' || strings.ContainsRune(`+\=`, r) {
			fmt.Fprintf(&b, `\x{%02X}`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// wrap breaks a text at spaces into lines of so many bytes, if there are spaces.
func wrap(text string, width int) (lines []string) {
	var line string
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// giveBack returns the message if it was asked for, has failed, and is not too long, or
// its header: in ASCII, for a server without 8BITMIME takes nothing else, and of a report that
// is not taken nobody hears.
func giveBack(parts *multipart.Writer, e *queueEntry, lines []queueLine, original io.Reader) error {
	var b bytes.Buffer
	var err error
	failed := slices.ContainsFunc(lines, func(l queueLine) bool { return l.action == "failed" })
	whole := failed && e.Return == gosmtp.DSNReturnFull && e.Size <= queueMessage
	if whole {
		_, err = io.Copy(&lineEnder{to: &b}, onlyReader{original})
	} else {
		err = copyHeader(&lineEnder{to: &b}, original)
	}
	if err != nil {
		return err
	}
	text := b.String()
	kind := "text/rfc822-headers"
	switch {
	case whole && sevenBit(text):
		kind = "message/rfc822"
	case whole: // which may be encoded, message/rfc822 may not (RFC 6532, section 3.7)
		kind = "message/global"
	case !isASCII(text): // RFC 6533, section 5
		kind = "message/global-headers"
	}
	if sevenBit(text) {
		_, err = io.WriteString(part(parts, kind, ""), text)
		return err
	}
	w := quotedprintable.NewWriter(part(parts, kind, "quoted-printable"))
	_, err = io.WriteString(w, text)
	return errors.Join(err, w.Close())
}

// sevenBit reports whether text needs no encoding (RFC 2045, section 2.7).
func sevenBit(text string) bool {
	for line := range strings.SplitSeq(text, "\r\n") {
		if len(line) > 998 || strings.Contains(line, "\x00") {
			return false
		}
	}
	return isASCII(text)
}

// copyHeader copies lines up to the first that is empty, and no more than queueHeader
// bytes of them.
func copyHeader(to io.Writer, message io.Reader) error {
	in := bufio.NewReader(io.LimitReader(message, queueHeader))
	for {
		line, err := in.ReadString('\n')
		if strings.TrimRight(line, "\r\n") == "" {
			return nil
		}
		if err == io.EOF { // of what may be half a line
			return nil
		}
		if err != nil {
			return err
		}
		if _, err = io.WriteString(to, line); err != nil {
			return err
		}
	}
}
