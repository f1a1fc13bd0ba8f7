package loop

import "math/bits"

const (
	tickBits  = 23 // a tick is 2^23 ns, 8.4 ms
	digitBits = 6  // of a tick; a digit chooses one of a level's buckets
	perLevel  = 1 << digitBits
	levels    = (63 + digitBits - 1 - tickBits) / digitBits
)

// wheel holds timers that are far ahead in buckets without an order. Those of level 0
// are a tick wide, those of the next level 64 ticks, and so on to the end of time. A
// timer's level is that of the highest digit in which its tick differs from the wheel's,
// its bucket that digit's: so all of a level comes before all of the next, and in each
// bucket that is used the digit is above the wheel's, never 0.
type wheel struct {
	n       int   // timers held
	tick    int64 // how far the wheel has turned
	first   int   // the bucket to empty next
	due     int64 // when: none of its timers is due before
	used    [levels]uint64
	buckets [levels * perLevel]pages[*timer]
}

// turn turns the wheel to now, unless a bucket is due by then. Where nobody does, a
// timer is put further behind than it needs to be, and poured on sooner.
func (w *wheel) turn(now int64) {
	if w.n == 0 || now < w.due {
		w.tick = max(w.tick, now>>tickBits)
	}
}

// near reports whether at is too near for a bucket, or nearly so.
func (w *wheel) near(at int64) bool { return at>>tickBits <= w.tick+1 }

// put holds t, which must not be near.
func (w *wheel) put(t *timer) {
	tick := t.at >> tickBits
	level := (bits.Len64(uint64(tick^w.tick)) - 1) / digitBits
	digit := int(tick >> (level * digitBits) % perLevel)
	b := level*perLevel + digit
	w.buckets[b].push(t)
	t.bucket, t.slot = int16(b), int32(w.buckets[b].n)
	w.used[level] |= 1 << digit
	if start := w.start(b); w.n == 0 || start < w.due {
		w.first, w.due = b, start
	}
	w.n++
}

// start is the first moment of a bucket.
func (w *wheel) start(b int) int64 {
	shift := b / perLevel * digitBits
	above := w.tick >> shift &^ (perLevel - 1)
	return (above | int64(b%perLevel)) << shift << tickBits
}

func (w *wheel) remove(t *timer) {
	b := int(t.bucket)
	bucket := &w.buckets[b]
	if last := bucket.pop(); last != t {
		last.slot = t.slot
		*bucket.at(int(t.slot) - 1) = last
	}
	if bucket.n == 0 {
		*bucket = pages[*timer]{}
		w.used[b/perLevel] &^= 1 << (b % perLevel)
	}
	t.bucket, t.slot = 0, 0
	w.n--
}

// take is the next timer of the bucket that is due; nil once it is empty.
func (w *wheel) take() *timer {
	w.tick = w.due >> tickBits
	bucket := &w.buckets[w.first]
	if bucket.n == 0 {
		w.next()
		return nil
	}
	t := *bucket.at(bucket.n - 1)
	w.remove(t)
	return t
}

// next finds the bucket that is the first now.
func (w *wheel) next() {
	for level, used := range w.used {
		if used != 0 {
			w.first = level*perLevel + bits.TrailingZeros64(used)
			w.due = w.start(w.first)
			return
		}
	}
}
