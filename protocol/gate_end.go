package protocol

// Ends that a Gate was asked for.
const (
	losing   = 1 << iota // LoseConnection, or Abort
	halving              // CloseWrite
	aborting             // Abort, which waits for no producer
)

// refuses reports whether nothing more may be written.
func (g *Gate) refuses() bool {
	return g.ending != 0 && (g.producer == nil || g.ending&aborting != 0)
}

// LoseConnection closes below, behind what waits and what a producer has to say.
func (g *Gate) LoseConnection() {
	if g.shut {
		g.ending |= losing
		g.wind()
	} else {
		g.before |= losing
		g.Layer.LoseConnection()
	}
}

// CloseWrite half-closes below, behind the same.
func (g *Gate) CloseWrite() {
	switch {
	case !g.shut:
		g.before |= halving
		g.Layer.CloseWrite()
	case g.ending == 0:
		g.ending |= halving
		g.wind()
	}
}

// Abort drops what waits, a last word included, and aborts below.
func (g *Gate) Abort() {
	if g.shut {
		g.ending, g.Goodbye, g.dropped = g.ending|losing|aborting, nil, true
		g.giveBack()
	}
	g.Layer.Abort()
}

// wind passes an end on. One that has to wait is passed on as well, so that the
// transport throws input away and watches the time, but a holder keeps it back
// there. While a layer that is not open yet reads on, for itself, it only waits.
func (g *Gate) wind() {
	if g.ending == 0 || g.readsOn && g.through == nil {
		return
	}
	if g.through != nil && g.held() > 0 && g.files == 0 {
		g.haveFlush() // which comes here again
		return
	}
	if g.heavy() > 0 || g.producer != nil {
		g.hold()
		return
	}
	if f := g.Goodbye; f != nil {
		g.Goodbye = nil
		f()
	}
	g.end()
	g.letGo()
}

// end passes the end on.
func (g *Gate) end() {
	if g.ending&losing != 0 {
		g.Layer.LoseConnection()
	} else {
		g.Layer.CloseWrite()
	}
}

// hold passes the end on and has it wait below.
func (g *Gate) hold() {
	if g.keep(); g.kept {
		g.end()
	}
}
