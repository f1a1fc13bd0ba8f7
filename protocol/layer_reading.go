package protocol

// Why a layer does not read.
const (
	askedFor  = 1 << iota // by PauseReading, from above
	suspended             // by SuspendReading
	held                  // by Hold
	pausing               // between PauseWriting and ResumeWriting that nobody above hears
)

// PauseReading stops DataReceived for what is above.
func (l *Layer) PauseReading() { l.pause(askedFor) }

// ResumeReading ends that; a pause of the layer's own goes on.
func (l *Layer) ResumeReading() { l.resume(askedFor) }

// SuspendReading stops DataReceived for what is above, until resume is called.
func (l *Layer) SuspendReading() (resume func()) {
	l.suspends++
	l.pause(suspended)
	over := false
	return func() {
		if over {
			return
		}
		over = true
		if l.suspends--; l.suspends == 0 {
			l.resume(suspended)
		}
	}
}

// Hold is the layer's own PauseReading. The two do not undo each other.
func (l *Layer) Hold() { l.pause(held) }

// Release ends Hold. ReadResumed follows if nothing else stops the reading.
func (l *Layer) Release() { l.resume(held) }

// ReadOn has the layer go on reading below during pauses, which then only stop
// what goes up: while it shakes hands, say. Without it pauses reach below again.
// Such a layer asks Resuming too before each call up.
func (l *Layer) ReadOn(on bool) {
	if l.readsOn == on {
		return
	}
	l.readsOn = on
	switch {
	case l.pauses != 0 && on:
		l.Below.ResumeReading()
	case l.pauses != 0:
		l.Below.PauseReading()
	case l.resuming: // below says it, before it reads on
		l.Below.PauseReading()
		l.Below.ResumeReading()
	}
}

func (l *Layer) pause(why uint8) {
	before := l.pauses
	l.pauses |= why
	if before == 0 && !l.readsOn {
		l.Below.PauseReading()
	}
}

func (l *Layer) resume(why uint8) {
	before := l.pauses
	l.pauses &^= why
	switch {
	case before == 0 || l.pauses != 0:
	case l.readsOn && l.Below.Reading():
		if !l.resuming {
			l.resuming = true
			l.AfterFunc(0, l.readResumed)
		}
	case l.readsOn: // below will tell, or the connection is ending
	default:
		l.Below.ResumeReading()
	}
}

// Resuming reports whether ReadResumed is about to come to a layer that has read on. What
// it has read meanwhile goes up then, and not before.
func (l *Layer) Resuming() bool { return l.resuming }

// readResumed is for who was paused while the layer read on.
func (l *Layer) readResumed() {
	if !l.resuming || !l.readsOn { // below has said it, or will
		return
	}
	l.resuming = false
	if r, ok := l.self.(ReadResumer); ok && l.self.Reading() {
		r.ReadResumed()
	}
}

// Reading reports whether the layer and everything below it want input.
func (l *Layer) Reading() bool { return l.pauses == 0 && l.Below.Reading() }
