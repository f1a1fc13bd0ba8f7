package protocol

import "errors"

// Pipe has source read only as fast as sink can send: above sink's high-water mark
// source is not read, below the low one it is again. What is read its protocol still
// writes to sink itself. Two that pass on to each other what they hear need a Pipe
// each way:
//
//	type side struct {
//		protocol.Base
//		other *side
//		undo  func() // the pipe from here to the other
//	}
//
//	func (s *side) DataReceived(data []byte) { s.other.Write(data) }
//
//	func (s *side) EOFReceived() (keep bool) {
//		s.undo()
//		s.other.CloseWrite()
//		return true
//	}
//
//	func (s *side) ConnectionLost(error) { s.other.LoseConnection() }
//
//	a.undo, err = protocol.Pipe(a.Transport, b.Transport)
//	b.undo, err = protocol.Pipe(b.Transport, a.Transport)
//
// The pipe is a streaming [Producer] of sink's: while it lasts, sink is read however
// much it has to send itself, and its LoseConnection and CloseWrite wait. It is
// over when undo is called (again is no harm) and when one of the two has ended,
// just before that one's ConnectionLost, which therefore may close the other. The
// protocols' own PauseReading, and other pipes from the same source, are left alone;
// see [ReadSuspender]. Protocols that never pause for another reason can do without
// a pipe: as WritePausers that pause and resume each other's reading.
//
// The error is [ErrProducer] if sink has a producer already, and
// errors.ErrUnsupported for transports that cannot do this; those of this module
// can. Both belong to the same loop.
func Pipe(source, sink Transport) (undo func(), err error) {
	suspender, able := As[ReadSuspender](source)
	registry, paces := As[ProducerRegistry](sink)
	notifier, tells := As[Notifier](source)
	if !able || !paces || !tells {
		return nil, errors.ErrUnsupported
	}
	p := &pipe{source: suspender, sink: registry}
	p.forget = notifier.Ended(func(error) { p.undo() })
	if err := registry.RegisterProducer(p, true); err != nil {
		p.forget()
		return nil, err
	}
	return p.undo, nil
}

// A pipe is the producer that suspends the source.
type pipe struct {
	source ReadSuspender
	sink   ProducerRegistry
	forget func() // of the source's Ended
	resume func() // nil while the source is read
	over   bool
}

// PauseProducing has the source not read.
func (p *pipe) PauseProducing() {
	if p.resume == nil {
		p.resume = p.source.SuspendReading()
	}
}

// ResumeProducing has it read again.
func (p *pipe) ResumeProducing() {
	if p.resume != nil {
		p.resume()
		p.resume = nil
	}
}

// StopProducing is the end of the sink.
func (p *pipe) StopProducing() {
	p.over = true
	p.forget()
	p.ResumeProducing()
}

func (p *pipe) undo() {
	if !p.over {
		p.StopProducing()
		p.sink.UnregisterProducer()
	}
}
