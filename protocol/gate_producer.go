package protocol

// pacing is a Gate's producer, which it paces as a transport does.
type pacing struct {
	producer  Producer
	streaming bool
	nth       int  // which producer it is
	idle      bool // a pull producer wrote nothing when it was last resumed
}

// RegisterProducer has p paced by what waits and by what the kernel has to take.
func (g *Gate) RegisterProducer(p Producer, streaming bool) error {
	switch {
	case !g.shut:
		err := g.Layer.RegisterProducer(p, streaming)
		if err == nil {
			g.adopt(p, streaming)
		}
		return err
	case g.producer != nil:
		return ErrProducer
	case g.ending != 0:
		p.StopProducing()
		return nil
	}
	g.adopt(p, streaming)
	g.producing = true
	g.Layer.resume(pausing) // from now on the producer is what is paused
	g.start()
	return nil
}

func (g *Gate) adopt(p Producer, streaming bool) {
	g.producer, g.streaming, g.idle = p, streaming, false
	g.nth++
}

// start begins to pace the producer.
func (g *Gate) start() {
	if !g.streaming {
		g.pull()
	} else if g.full != 0 {
		g.producer.PauseProducing()
	}
}

// moveProducer takes a producer over that was registered below before Shut.
func (g *Gate) moveProducer() {
	if g.producer != nil {
		g.Layer.UnregisterProducer()
		g.producing = true
		g.start()
	}
}

// UnregisterProducer has a close go on that waited for the producer.
func (g *Gate) UnregisterProducer() {
	if g.producer == nil {
		return
	}
	g.producer = nil
	if !g.shut {
		g.Layer.UnregisterProducer()
		return
	}
	g.producing = false
	if g.full != 0 && !g.PacesItself() {
		g.Layer.pause(pausing)
	}
	g.wind()
}

// pull resumes a pull producer when nothing waits any more, anywhere.
func (g *Gate) pull() {
	nth := g.nth
	g.Drained(func(err error) {
		if err != nil || g.producer == nil || g.nth != nth {
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
	if g.idle && g.producer != nil && !g.streaming {
		g.idle = false
		g.pull()
	}
}

func (g *Gate) pauseProducer() {
	if g.producer != nil && g.streaming {
		g.producer.PauseProducing()
	}
}

func (g *Gate) resumeProducer() {
	if g.producer != nil && g.streaming {
		g.producer.ResumeProducing()
	}
}

func (g *Gate) stopProducer() {
	if p := g.producer; p != nil && g.shut {
		g.producer = nil
		p.StopProducing()
	}
}
