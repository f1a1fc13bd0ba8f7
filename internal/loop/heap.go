package loop

import "math"

// heap is timers by key, those with the same key by seq: a heap of four children each,
// which is flatter than one of two. Its slots hold what is compared, so that sifting
// does not touch the timers.
type heap struct{ pages[slot] }

type slot struct {
	key int64
	seq uint64
	t   *timer
}

func (a *slot) before(b *slot) bool {
	return a.key < b.key || a.key == b.key && a.seq < b.seq
}

// first is the earliest key.
func (h *heap) first() int64 {
	if h.n == 0 {
		return math.MaxInt64
	}
	return h.at(0).key
}

func (h *heap) add(t *timer) {
	s := slot{t.at, t.seq, t}
	h.push(s)
	h.up(h.n-1, s)
}

// take takes the first.
func (h *heap) take() *timer {
	t := h.at(0).t
	h.remove(t)
	return t
}

func (h *heap) remove(t *timer) {
	i := int(t.slot) - 1
	t.slot = 0
	last := h.pop()
	switch {
	case i == h.n:
	case i > 0 && last.before(h.at((i-1)/4)):
		h.up(i, last)
	default:
		h.down(i, last)
	}
}

// up puts s at i or above.
func (h *heap) up(i int, s slot) {
	for i > 0 {
		p := (i - 1) / 4
		if !s.before(h.at(p)) {
			break
		}
		h.put(i, *h.at(p))
		i = p
	}
	h.put(i, s)
}

// down puts s at i or below.
func (h *heap) down(i int, s slot) {
	for {
		first := 4*i + 1
		if first >= h.n {
			break
		}
		least := first
		for c := first + 1; c < min(first+4, h.n); c++ {
			if h.at(c).before(h.at(least)) {
				least = c
			}
		}
		if !h.at(least).before(&s) {
			break
		}
		h.put(i, *h.at(least))
		i = least
	}
	h.put(i, s)
}

func (h *heap) put(i int, s slot) {
	*h.at(i) = s
	s.t.slot = int32(i + 1)
}
