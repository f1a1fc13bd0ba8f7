package smtp

import "io"

var _ Delivery = (*Local)(nil)

// Deliver takes mail that this program sends, as if a user had sent it: reports of a
// [Queue] for example. For whom it may be, and who gets what, is as it is for clients.
func (l *Local) Deliver(e *Envelope, message io.ReadSeeker) error {
	checkDeliver(e, message)
	l.once.Do(l.index)
	here, elsewhere := *e, *e
	here.To, elsewhere.To = nil, nil
	for _, r := range e.To {
		outgoing, err := l.route(r.Address, true)
		if err != nil {
			return err
		}
		if outgoing {
			elsewhere.To = append(elsewhere.To, r)
		} else {
			here.To = append(here.To, r)
		}
	}
	if len(elsewhere.To) > 0 {
		if err := l.Outgoing.Deliver(&elsewhere, message); !accepted(err) || len(here.To) == 0 {
			return err
		}
		if _, err := message.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	if len(here.To) == 0 {
		return nil
	}
	return l.Delivery.Deliver(&here, message)
}
