// Package stand lets a coroutine stand in for the goroutine that runs its loop:
// a loop that checks on which goroutine it is used must know who runs just now.
package stand

// A Host is a loop that checks. HandTo makes the goroutine with this number the
// one that counts, the caller's if it is 0, and returns the one that counted
// before. A loop that does not check does nothing and returns 0, or is no Host.
type Host interface {
	HandTo(goroutine uint64) (before uint64)
}

// A Stand is a coroutine's goroutine as its host sees it.
type Stand struct {
	host        Host // nil if the loop is none
	own, before uint64
}

// In returns the Stand of a coroutine on a loop.
func In(loop any) Stand {
	h, _ := loop.(Host)
	return Stand{host: h}
}

// Arrive is called on the new goroutine, which alone can tell its number.
func (s *Stand) Arrive() {
	if s.host != nil {
		s.before = s.host.HandTo(0)
	}
}

// Enter and Leave are called around each run, by whoever resumes it.
func (s *Stand) Enter() {
	if s.own != 0 {
		s.before = s.host.HandTo(s.own)
	}
}

// Leave ends Enter.
func (s *Stand) Leave() {
	if s.host != nil {
		s.own = s.host.HandTo(s.before)
	}
}
