package chat

import "time"

// A flood says when somebody sends too many lines. A line fills a bucket that
// holds burst lines, and one leaks out every interval; who overflows it waits
// until that one has leaked out too.
//
//	quiet --more than burst--> throttled --tolerance lines more--> dropped
//	  ^-----the bucket is empty-----'
//
// The zero value is quiet.
type flood struct {
	empty     time.Time // when the bucket will be empty
	throttled int       // lines that had to wait since it last was
}

// line takes note of a line, and returns how long to wait before the next.
func (f *flood) line(now time.Time, burst int, interval time.Duration) time.Duration {
	if !now.Before(f.empty) {
		f.empty, f.throttled = now, 0
	}
	f.empty = f.empty.Add(interval)
	wait := f.empty.Sub(now) - time.Duration(burst)*interval
	if wait <= 0 {
		return 0
	}
	f.throttled++
	return wait
}
