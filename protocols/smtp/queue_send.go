package smtp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"time"

	"github.com/torsion-go/torsion/protocol"
)

const (
	queueRecipients = 100           // of one transaction: what every server takes (RFC 5321, section 4.5.3.1.8)
	queuePatience   = 2 * time.Hour // with one transaction, whatever its single steps take
	queueGoodbye    = 3 * time.Second
)

// A queueSender does the jobs of one destination, one after the other, over one
// connection while that lasts. It waits for files and servers on a goroutine of its own.
type queueSender struct {
	queue  *Queue
	lane   *queueLane
	client *Client // nil: there is no connection
	host   string  // of the client, or empty: what is said is not a server's
	strict bool    // the message, or that of the client, requires TLS (RFC 8689)
}

// serve does a job, and writes down what came of it.
func (s *queueSender) serve(j *queueJob) {
	q := s.queue
	if j.shared != nil {
		q.share(j)
		return
	}
	to := q.waiting(j)
	unreached, missed, err := false, false, error(nil)
	if len(to) > 0 {
		var result Result
		err = guarded(func() (err error) {
			result, err = s.attempt(j.entry, to)
			return err
		})
		if errors.Is(err, protocol.ErrStopped) {
			q.stop() // it has not been told before
		}
		unreached = !reached(err) && q.verdict(err) != queueRefused
		missed = unreached || reached(err) && !settled(err)
		q.judge(j, to, s.host, result, err)
	}
	q.settle(j)
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range to {
		r.active = false
	}
	alone := j.entry.RequireTLS // others are sent without
	if len(to) > 0 && !alone {
		s.lane.reached, s.lane.missed = !missed, missed
	}
	if unreached && !alone && !q.halted {
		q.postpone(j, to, to[0].Next, to[0].Last, err)
	} else {
		q.wait(j)
	}
}

// waiting are those that the message is to be sent to now, and not those of the same job
// who have just been put off.
func (q *Queue) waiting(j *queueJob) (to []*queueRecipient) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := utcNow()
	if next := q.next(j); next.After(now) { // the clock was put back
		now = next
	}
	for _, r := range j.to {
		if r.State == queueWaiting && len(to) < queueRecipients && !q.due(j.entry, r).After(now) {
			r.active = true
			to = append(to, r)
		}
	}
	return to
}

// attempt is one transaction, if there is a server for it.
func (s *queueSender) attempt(e *queueEntry, to []*queueRecipient) (result Result, err error) {
	q := s.queue
	body, err := q.files.open(e.ID)
	if err != nil {
		return Result{}, err
	}
	defer body.Close()
	ctx, cancel := context.WithTimeout(q.ctx, queuePatience)
	defer cancel()
	m := e.mail(to)
	if s.strict != e.RequireTLS {
		s.quit()
		s.strict = e.RequireTLS
	}
	if s.client != nil {
		if result, err = s.send(ctx, m, body); settled(err) || ctx.Err() != nil {
			return result, err
		}
	}
	if q.Smarthost.Addr != "" {
		host, _, err := net.SplitHostPort(q.Smarthost.Addr)
		if err != nil {
			host = q.Smarthost.Addr
		}
		s.connect(q.Smarthost, host)
		return s.send(ctx, m, body)
	}
	return s.try(ctx, m, body)
}

// try looks for a server that takes the message, or says why it does not: the best one first,
// each at all of its addresses. What may be better later counts for more than what may not.
func (s *queueSender) try(ctx context.Context, m Mail, body *os.File) (Result, error) {
	s.host = ""
	hosts, err := s.queue.servers(ctx, s.lane.destination)
	if err != nil {
		return Result{}, err
	}
	var trial queueTrial
	var never error
	lost := 0 // servers, by which the message was under way
	for tries := 0; len(hosts) > 0 && tries < queueTries && ctx.Err() == nil; hosts = hosts[1:] {
		addrs, trouble := s.queue.addresses(ctx, hosts[0])
		if trouble == error(errNoRoute) && hosts[0] == s.lane.destination {
			trouble = errNoHost
		}
		if e, ok := errors.AsType[*SMTPError](trouble); ok && !e.Temporary() {
			never = trouble
		} else if trouble != nil {
			trial.failed(Result{}, trouble, "")
		}
		for _, addr := range addrs[:min(len(addrs), queueTries-tries)] {
			tries++
			s.connect(ClientConfig{
				Addr: addr, Security: TLSOpportunistic, TLS: &tls.Config{ServerName: hosts[0]},
			}, hosts[0])
			result, err := s.send(ctx, m, body)
			if reached(err) {
				lost++
			}
			if settled(err) || ctx.Err() != nil || lost == queueLosses {
				return result, err
			}
			trial.failed(result, err, hosts[0])
		}
	}
	s.host = trial.host
	switch {
	case trial.err != nil:
		return trial.result, trial.err
	case never == nil:
		return Result{}, ctx.Err()
	}
	return Result{}, never
}

// A queueTrial is what has come of asking one server after the other: the last that was
// said, but that of one who had begun to take the message counts for more than that of one who
// is not there.
type queueTrial struct {
	result Result
	err    error
	host   string
}

func (t *queueTrial) failed(result Result, err error, host string) {
	if t.err == nil || !reached(t.err) || reached(err) {
		*t = queueTrial{result, err, host}
	}
}

// connect makes a client, which connects when it sends.
func (s *queueSender) connect(c ClientConfig, host string) {
	q := s.queue
	c.Network = q.network
	c.LocalName = cmp.Or(c.LocalName, q.domain())
	if q.Tune != nil {
		q.Tune(s.lane.destination, &c)
	}
	if s.strict {
		q.beStrict(&c, host)
	}
	c.Wrap = q.lasting(c.Wrap)
	s.client, s.host = c.New(), host
}

// beStrict has the server prove who it is: under the name by which the Resolver knows it, or, for a
// Smarthost, which its operator knows, under the one that was given.
func (q *Queue) beStrict(c *ClientConfig, host string) {
	if !c.verifies() {
		c.Security = TLSRequired
	}
	t := c.TLS.Clone() // which may be one for all
	if t == nil {
		t = &tls.Config{}
	}
	t.InsecureSkipVerify = false
	if q.Smarthost.Addr == "" {
		t.ServerName = host
	}
	c.TLS = t
}

// send sends the message over what there is. There is nothing any more if that comes
// to no end.
func (s *queueSender) send(ctx context.Context, m Mail, body *os.File) (Result, error) {
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return Result{}, err
	}
	m.Body = body
	result, err := s.client.SendContext(ctx, m)
	if !settled(err) {
		s.client.Close()
		s.client = nil
	}
	return result, err
}

// quit says goodbye to a server.
func (s *queueSender) quit() {
	if s.client == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), queueGoodbye)
	defer cancel()
	_ = s.client.QuitContext(ctx) // it is over in any case
	s.client = nil
}

// settled reports whether there is nothing more to find out about a message now. Where a
// server hangs up, is silent, says nothing that can be understood, or 421, before it can have the
// message, another may take it.
func settled(err error) bool {
	e, ok := errors.AsType[*SendError](err)
	if !ok || e.Unknown || !reached(err) {
		return reached(err)
	}
	reply, replied := errors.AsType[*SMTPError](err)
	return replied && reply.Code != 421
}

// beforeMail are the steps that say nothing of a message.
var beforeMail = []string{"connect", "TLS", "greeting", "EHLO", "LHLO", "STARTTLS", "AUTH"}

// reached reports whether a server has been found that may say something of the message,
// or if it is settled that there is none.
func reached(err error) bool {
	if e, ok := errors.AsType[*SendError](err); ok {
		return !slices.Contains(beforeMail, e.Verb)
	}
	if e, ok := errors.AsType[*SMTPError](err); ok {
		return !e.Temporary()
	}
	return true
}
