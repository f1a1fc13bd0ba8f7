package smtp

import (
	"cmp"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/secure"
)

// A queueVerdict is what an attempt has come to, for a recipient.
type queueVerdict uint8

const (
	queueSent      queueVerdict = iota
	queuePutOff                 // try again
	queueRefused                // do not
	queueUntouched              // there was no attempt
)

// judge notes what an attempt has come to, also on the disk. Of recipients that need nothing more it
// forgets those of whom nobody wants to hear.
func (q *Queue) judge(j *queueJob, to []*queueRecipient, host string, result Result, err error) {
	now := utcNow()
	backoff := q.backoff(to[0].Attempts + 1) // one for all, so that they stay together
	verdicts := make([]queueVerdict, len(to))
	fates := slices.Repeat([]error{err}, len(to))
	for i := range to {
		if len(result.To) == len(to) {
			fates[i] = result.To[i].Err
		}
		verdicts[i] = q.verdict(fates[i])
	}
	leftOver(verdicts, fates)
	q.mu.Lock()
	var done []*queueRecipient
	for i, r := range to {
		if verdicts[i] != queueUntouched {
			r.Attempts++
			r.Last = newQueueFault(fates[i], host, now)
			r.Next = now.Add(backoff)
			j.entry.dirty = true
		}
		if q.end(j.entry, r, verdicts[i], result.DSN, now) {
			done = append(done, r)
		}
	}
	q.done(j, done)
	q.mu.Unlock()
	q.save(j.entry) // before anything else: until then it would be sent again
	q.tellAll(j.entry, to, verdicts, fates, result, err)
}

// tellAll logs what an attempt has come to: in one line what err says of all whom it has not
// come to anything else for.
func (q *Queue) tellAll(e *queueEntry, to []*queueRecipient, verdicts []queueVerdict, fates []error, result Result, err error) {
	var shared []*queueRecipient
	var verdict queueVerdict
	for i := range to {
		if err != nil && fates[i] == err {
			shared, verdict = append(shared, to[i]), verdicts[i]
			continue
		}
		text := result.Text
		if text == "" && len(result.To) == len(to) { // over LMTP
			text = result.To[i].Text
		}
		q.tell(e, to[i:i+1], verdicts[i], fates[i], text)
	}
	q.tell(e, shared, verdict, err, "")
}

// leftOver changes the verdicts on recipients that were too many for the server: they are
// next, as long as it takes any, and not put off (RFC 5321, section 4.5.3.1.10, also on 552).
// Who is refused for another reason with these codes is asked for once more.
func leftOver(verdicts []queueVerdict, fates []error) {
	if !slices.Contains(verdicts, queueSent) {
		return
	}
	for i, err := range fates {
		e, ok := errors.AsType[*SMTPError](err)
		if ok && (e.Code == 452 || e.Code == 552) {
			verdicts[i] = queueUntouched
		}
	}
}

// end reports whether that is all for a recipient, and nobody need hear of it. With mu.
func (q *Queue) end(e *queueEntry, r *queueRecipient, v queueVerdict, dsn bool, now time.Time) (done bool) {
	switch {
	case v == queueUntouched:
		return false
	case v == queueSent:
		q.counts.Sent++
		if dsn || !e.wants(r, gosmtp.DSNNotifySuccess) {
			return true
		}
		r.State = queueRelayed
		return false
	case v == queueRefused, !now.Before(q.expires(e)):
		q.counts.Failed++
		r.State = queueFailed
		return !e.wants(r, gosmtp.DSNNotifyFailure)
	}
	q.counts.Deferred++
	return false
}

// done forgets recipients. With mu.
func (q *Queue) done(j *queueJob, gone []*queueRecipient) {
	if len(gone) == 0 {
		return
	}
	j.entry.drop(gone)
	j.entry.dirty = true
	j.to = slices.DeleteFunc(j.to, func(r *queueRecipient) bool { return slices.Contains(gone, r) })
}

// verdict is what an error says. What a server says before it has heard of the message is
// said of us, and will not stay so, unless it is no mail server at all (RFC 7504); and so is
// that we have to log in (RFC 4954, section 6), whenever it is said.
func (q *Queue) verdict(err error) queueVerdict {
	refused, reply := errors.AsType[*SMTPError](err)
	lost, sent := errors.AsType[*SendError](err)
	switch {
	case err == nil:
		return queueSent
	case sent && lost.Unknown:
		return queuePutOff
	case !reply && (q.ctx.Err() != nil || errors.Is(err, protocol.ErrStopped)):
		return queueUntouched
	case !reply || refused.Temporary() || refused.Code == 530:
		return queuePutOff
	case reached(err), refused.Code == 521, refused.Code == 556:
		return queueRefused
	}
	return queuePutOff
}

// tell logs what has become of recipients, for whom that was one attempt; text is what the
// server said if it has taken the message.
func (q *Queue) tell(e *queueEntry, to []*queueRecipient, v queueVerdict, err error, text string) {
	if v == queueUntouched || len(to) == 0 {
		return
	}
	r := to[0]
	log := q.logger().With("id", e.name(), "to", addresses(to), "host", r.Last.Host, "attempts", r.Attempts)
	switch {
	case v == queueSent:
		log.Info("smtp: sent", "reply", text)
	case e.From == "" && (v == queueRefused || r.State == queueFailed):
		log.Warn("smtp: dropped: nobody to tell", "err", err)
	case v == queueRefused:
		log.Info("smtp: refused", "err", err)
	case r.State == queueFailed:
		log.Info("smtp: given up", "err", err)
	case errors.Is(err, ErrUnknown):
		log.Warn("smtp: perhaps sent, to be sent again", "err", err, "next", r.Next)
	case isOurs(err):
		log.Warn("smtp: put off", "err", err, "next", r.Next)
	default:
		log.Info("smtp: put off", "err", err, "next", r.Next)
	}
}

func addresses(to []*queueRecipient) string {
	var list []string
	for _, r := range to {
		list = append(list, r.Address)
	}
	return strings.Join(list, ",")
}

// isOurs reports whether the reason to put a message off is one that will not go away by
// itself: a wrong password, a certificate that is not trusted, a server that wants nothing
// of us.
func isOurs(err error) bool {
	refused, reply := errors.AsType[*SMTPError](err)
	_, handshake := errors.AsType[*secure.HandshakeError](err)
	return handshake || reply && !refused.Temporary() || errors.Is(err, ErrNoAuth) || errors.Is(err, ErrNoTLS)
}

// newQueueFault is what is kept of an error, or of success.
func newQueueFault(err error, host string, now time.Time) *queueFault {
	f := &queueFault{Host: plainText(host), Time: now, Status: "2.0.0"}
	if err == nil {
		return f
	}
	f.Text = plainText(err.Error())
	if reply, ok := errors.AsType[*SMTPError](err); ok {
		f.Code, f.Status = reply.Code, replyTo(reply).enhanced
		f.Status = cmp.Or(f.Status, fmt.Sprintf("%d.0.0", reply.Code/100))
		f.Text = plainText(reply.Message)
		return f
	}
	e, _ := errors.AsType[*SendError](err)
	_, handshake := errors.AsType[*secure.HandshakeError](err)
	switch {
	case handshake, errors.Is(err, ErrNoTLS):
		f.Status = "4.7.5"
	case errors.Is(err, ErrNoAuth):
		f.Status = "4.7.0"
	case e == nil: // ours
		f.Status = "4.3.0"
	case e.Verb == "connect":
		f.Status = "4.4.1"
	default:
		f.Status = "4.4.2"
	}
	return f
}

// utcNow is the time as files have it.
func utcNow() time.Time { return time.Now().UTC().Round(0) }

// plainText is s in one line of printable ASCII, which means nothing to anybody.
func plainText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		if r > '~' {
			return '?'
		}
		return r
	}, s[:min(len(s), maxFaultText)])
	return strings.Join(strings.Fields(s), " ")
}

// guarded is f, which belongs to others, and whose panic is an error.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &protocol.PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	return f()
}
