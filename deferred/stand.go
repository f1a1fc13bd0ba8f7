package deferred

// A host is a Loop that checks on which goroutine it is used, and so must know
// which coroutine stands in for its own. HandTo makes the goroutine with this
// number the one that counts, the caller's if it is 0, and returns the one that
// counted before. A Loop that does not check does nothing and returns 0.
type host interface {
	HandTo(goroutine uint64) (before uint64)
}

// A stand is a coroutine's goroutine as its host sees it.
type stand struct {
	host        host // nil if the loop is none
	own, before uint64
}

// arrive is called on the new goroutine, which alone can tell its number.
func (s *stand) arrive() {
	if s.host != nil {
		s.before = s.host.HandTo(0)
	}
}

// enter and leave are called around each run, by whoever resumes it.
func (s *stand) enter() {
	if s.own != 0 {
		s.before = s.host.HandTo(s.own)
	}
}

func (s *stand) leave() {
	if s.host != nil {
		s.own = s.host.HandTo(s.before)
	}
}
