package loop

const (
	fewTimers = 64 // need no wheel
	pourStep  = 16 // timers
)

// timerQueue is the timers that are ahead, by time and those of the same moment by seq.
// The near ones are in a heap. The others wait in a wheel, where setting and stopping
// one costs the same however many there are; before its bucket's time comes, each is
// poured on to where it belongs then. A place may be older than its timer's at, never
// younger.
type timerQueue struct {
	heap  heap
	wheel wheel
	seq   uint64 // of the timer set last
}

func (q *timerQueue) nextSeq() uint64 { q.seq++; return q.seq }

func (q *timerQueue) len() int { return q.heap.n + q.wheel.n }

// first is when there is something to do at the earliest.
func (q *timerQueue) first() int64 {
	if q.pours() {
		return q.wheel.due
	}
	return q.heap.first()
}

// pours reports whether the wheel has to be emptied into the heap before the heap can go on.
func (q *timerQueue) pours() bool { return q.wheel.n > 0 && q.wheel.due <= q.heap.first() }

// ready reports whether there is something to do by now. A timer younger than seq is not.
func (q *timerQueue) ready(now int64, seq uint64) bool {
	return q.first() <= now && (q.pours() || q.heap.at(0).seq <= seq)
}

func (q *timerQueue) push(t *timer) {
	if q.heap.n < fewTimers || q.wheel.near(t.at) {
		q.heap.add(t)
	} else {
		q.wheel.put(t)
	}
}

// pop takes the first timer. It is nil where some were only put to other places.
func (q *timerQueue) pop() *timer {
	if q.pours() {
		q.pour()
		return nil
	}
	seq := q.heap.at(0).seq
	t := q.heap.take()
	if t.seq != seq { // it was moved since
		q.push(t)
		return nil
	}
	return t
}

// pour puts some of the first bucket where they belong now. The last one of the wheel may
// make another bucket the first, whose time has not come.
func (q *timerQueue) pour() {
	first := q.wheel.first
	for n := 0; n < pourStep && q.wheel.first == first; n++ {
		t := q.wheel.take()
		if t == nil {
			return
		}
		q.push(t)
	}
}

func (q *timerQueue) remove(t *timer) {
	if t.bucket == 0 {
		q.heap.remove(t)
	} else {
		q.wheel.remove(t)
	}
}

// place is the moment by which t is queued.
func (q *timerQueue) place(t *timer) int64 {
	if t.bucket == 0 {
		return q.heap.at(int(t.slot) - 1).key
	}
	return q.wheel.start(int(t.bucket))
}
