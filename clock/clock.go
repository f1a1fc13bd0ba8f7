// Package clock has the time as protocols see it: a Clock that tells the time
// and sets timers. A reactor is one, so is every connection's Transport, and
// Fake is one for tests.
package clock

import "time"

// A Clock tells the time and calls functions later. The clock of a reactor or
// a connection is used on its loop, and calls the functions there.
type Clock interface {
	// Now returns the current time.
	Now() time.Time

	// AfterFunc calls f once, after d, never from inside AfterFunc itself. A d
	// of zero or less means as soon as possible. Timers that are due at the
	// same moment run in the order in which they were set.
	AfterFunc(d time.Duration, f func()) Timer
}

// A Timer is one call in the future. *time.Timer is a Timer.
type Timer interface {
	// Stop cancels the call. It reports whether there was one to cancel.
	Stop() bool

	// Reset moves the call to d from now, as if it had been set anew, and
	// reports whether it had still been ahead. On the clock of a connection
	// that has ended it does nothing and returns false.
	Reset(d time.Duration) bool
}

// A Delayer is a Timer that can be put off without knowing when it is due; all
// timers of this module are.
type Delayer interface {
	// Delay moves the call by d from the moment it was due, or nearer if d is
	// negative, but not to before now. It reports whether the call is still ahead.
	Delay(d time.Duration) bool
}
