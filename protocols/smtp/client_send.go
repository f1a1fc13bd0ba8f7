package smtp

import (
	"context"
	"fmt"
	"sync/atomic"
)

// An attempt is one Mail on its way. It belongs to the Client's goroutine, but
// for m and at, of which the loop makes its verdict when it does not want to wait.
type attempt struct {
	m  Mail
	at atomic.Int32

	res    Result
	err    error
	from   string
	to     []string // as res.To, in canonical form; empty if that is no address
	as     []int    // where in it each stands first
	each   bool     // the server has replied for each recipient
	utf8   bool     // MAIL has said SMTPUTF8
	survey survey
}

// How far an attempt is.
const (
	before  int32 = iota // the end of the message
	never                // it will not be sent
	sent                 // perhaps
	decided              // res and err hold
)

// newAttempt panics if m is a mistake of the program's.
func newAttempt(m Mail) *attempt {
	if n := len(m.RcptOptions); m.Body == nil || n > 0 && n != len(m.To) {
		panic("smtp: a Mail needs a Body, and as many RcptOptions as there are in To, or none")
	}
	return &attempt{m: m}
}

// prepare reads what was given, before anything is sent. A recipient that is no
// address is not worth a server's time; the others are.
func (a *attempt) prepare() (err error) {
	a.res.To = make([]Receipt, len(a.m.To))
	a.to, a.as = make([]string, len(a.m.To)), make([]int, len(a.m.To))
	first := make(map[string]int)
	for i, given := range a.m.To {
		a.as[i], a.res.To[i].Address = i, given
		to, err := ParseAddress(given)
		if err != nil {
			a.res.To[i].Err = malformed(3, given)
			continue
		}
		a.to[i] = to.String()
		if n, again := first[a.to[i]]; again {
			a.as[i] = n
		} else {
			first[a.to[i]] = i
		}
	}
	if a.m.From != "" {
		from, err := ParseAddress(a.m.From)
		if err != nil {
			return &SendError{Verb: "MAIL", Err: malformed(7, a.m.From)}
		}
		a.from = from.String()
	}
	if err = a.refused(); err != nil {
		return err
	}
	if a.survey, err = surveyed(a.m.Body); err != nil {
		return &SendError{Verb: "DATA", Err: err}
	}
	return nil
}

// malformed is a refusal of ours (RFC 3463, section 3.2).
func malformed(detail int, address string) *SMTPError {
	return refusal(553, EnhancedCode{5, 1, detail}, fmt.Sprintf("not an address: %q", address))
}

// refused is the first refusal if there is nobody left.
func (a *attempt) refused() error {
	err := error(refusal(554, EnhancedCode{5, 5, 1}, "no recipients"))
	for i := len(a.as) - 1; i >= 0; i-- {
		if err = a.res.To[a.as[i]].Err; err == nil {
			return nil
		}
	}
	return &SendError{Verb: "RCPT", Err: err}
}

// verdict is the result, or what is known now that err ends the attempt. It decides
// that the end of the message will not be sent, if it was not.
func (a *attempt) verdict(err error) (Result, error) {
	a.at.CompareAndSwap(before, never)
	at := a.at.Load()
	if at == decided {
		return a.res, a.err
	}
	e := &SendError{Verb: "send", Unknown: at == sent, Err: err}
	res := Result{To: make([]Receipt, len(a.m.To))}
	for i, to := range a.m.To {
		res.To[i] = Receipt{Address: to, Err: e}
	}
	return res, e
}

// send sends the message over t.
func (a *attempt) send(ctx context.Context, t *talk) (Result, error) {
	a.err = a.prepare()
	if a.err == nil {
		a.err = t.do(ctx, func() error { return t.transact(a) })
	}
	for i, first := range a.as {
		r := &a.res.To[i]
		if r.Err == nil && a.err != nil && !a.each {
			r.Text, r.Err = "", a.err
		}
		r.Text, r.Err = a.res.To[first].Text, a.res.To[first].Err
	}
	a.at.Store(decided)
	return a.res, a.err
}
