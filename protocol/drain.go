package protocol

import "time"

// DrainEnd returns when l, which is going down, will abort the connections that have not
// ended by then: time for a last word to those who are not done. There is no such time
// while l goes on, nor if it waits for them as long as they take. It is for l, in
// [Shutdowner] for example.
func DrainEnd(l Loop) (at time.Time, ok bool) {
	if d, is := l.(interface{ DrainEnd() (time.Time, bool) }); is {
		return d.DrainEnd()
	}
	return time.Time{}, false
}
