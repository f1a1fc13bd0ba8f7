package protocol

// pacing is a Gate's producer, which it paces as a transport does, from Shut on. Below
// knows of a holder instead: that is told when the transport is full, and keeps ends
// back.
type pacing struct {
	producer  Producer
	streaming bool
	kept      bool // a holder is registered below
	nth       int  // which producer it is
	idle      bool // a pull producer wrote nothing when it was last resumed
}

// A holder is what below takes for the producer.
type holder struct{ g *Gate }

func (h holder) PauseProducing() {
	if h.g.shut {
		h.g.fill(belowFull)
	} else {
		h.g.producer.PauseProducing()
	}
}

func (h holder) ResumeProducing() {
	if h.g.shut {
		h.g.empty(belowFull)
	} else {
		h.g.producer.ResumeProducing()
	}
}

func (h holder) StopProducing() { h.g.stopProducer() }

// RegisterProducer has p paced by what waits and by what the kernel has to take.
func (g *Gate) RegisterProducer(p Producer, streaming bool) error {
	switch {
	case g.producer != nil:
		return ErrProducer
	case !g.shut:
		g.adopt(p, streaming)
		err := g.Layer.RegisterProducer(holder{g}, streaming)
		if err != nil {
			g.producer = nil
		}
		g.kept = g.producer != nil // it was not stopped at once
		return err
	case g.ending != 0:
		p.StopProducing()
		return nil
	}
	g.adopt(p, streaming)
	g.producing = true
	g.Layer.resume(pausing) // from now on the producer is what is paused
	if g.full != 0 {
		g.pauseProducer()
	}
	g.keep()
	g.pull()
	return nil
}

func (g *Gate) adopt(p Producer, streaming bool) {
	g.producer, g.streaming, g.idle = p, streaming, false
	g.nth++
}

// keep registers a holder below.
func (g *Gate) keep() {
	if !g.kept {
		g.kept = true
		g.kept = g.Layer.RegisterProducer(holder{g}, true) == nil
	}
}

// letGo takes it back; an end that has waited for it goes on. Below is to believe that
// somebody paces himself, and so tells when there is room again.
func (g *Gate) letGo() {
	if r, ok := As[ProducerRegistry](g.Below); ok && g.kept {
		r.UnregisterProducer()
	}
	g.kept, g.producing = false, false
	if g.full != 0 && g.ending&losing == 0 && !g.PacesItself() {
		g.Layer.pause(pausing)
	}
}

// UnregisterProducer has a close go on that waited for the producer.
func (g *Gate) UnregisterProducer() {
	if g.producer == nil {
		return
	}
	g.producer = nil
	switch {
	case !g.shut:
		g.kept = false
		g.Layer.UnregisterProducer()
	case g.ending == 0:
		g.letGo()
	default:
		g.wind()
	}
}

// pull resumes a pull producer when nothing waits any more, anywhere.
func (g *Gate) pull() {
	if g.producer == nil || g.streaming {
		return
	}
	nth := g.nth
	g.Drained(func(err error) {
		if err != nil || g.producer == nil || g.nth != nth || g.ending&aborting != 0 {
			return
		}
		if g.Buffered() > 0 {
			g.pull() // it has written more
			return
		}
		g.idle = true // until it writes
		g.producer.ResumeProducing()
	})
}

// pullAgain is called when something was written: a pull producer has its next turn
// behind that.
func (g *Gate) pullAgain() {
	if g.idle {
		g.idle = false
		g.pull()
	}
}

func (g *Gate) pauseProducer() {
	if g.producer != nil && g.streaming && g.shut {
		g.producer.PauseProducing()
	}
}

func (g *Gate) resumeProducer() {
	if g.producer != nil && g.streaming && g.shut {
		g.producer.ResumeProducing()
	}
}

func (g *Gate) stopProducer() {
	if p := g.producer; p != nil {
		g.producer = nil
		p.StopProducing()
	}
}
