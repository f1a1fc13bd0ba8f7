package loop

import "math"

// heap is timers by key, those with the same key by seq: a heap of four children each,
// which is flatter than one of two. Its slots hold what is compared, so that sifting
// does not touch the timers.
type heap struct {
	slots []slot
}

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
	if len(h.slots) == 0 {
		return math.MaxInt64
	}
	return h.slots[0].key
}

func (h *heap) push(t *timer) {
	h.slots = append(h.slots, slot{})
	h.up(len(h.slots)-1, slot{t.at, t.seq, t})
}

func (h *heap) pop() *timer {
	t := h.slots[0].t
	h.remove(t)
	return t
}

func (h *heap) remove(t *timer) {
	i, n := int(t.slot)-1, len(h.slots)-1
	t.slot = 0
	last := h.slots[n]
	h.slots[n] = slot{}
	h.slots = h.slots[:n]
	switch {
	case i == n:
	case i > 0 && last.before(&h.slots[(i-1)/4]):
		h.up(i, last)
	default:
		h.down(i, last)
	}
	if c := cap(h.slots); c > 1024 && n < c/4 {
		h.slots = append(make([]slot, 0, c/2), h.slots...)
	}
}

// up puts s at i or above.
func (h *heap) up(i int, s slot) {
	for i > 0 {
		p := (i - 1) / 4
		if !s.before(&h.slots[p]) {
			break
		}
		h.put(i, h.slots[p])
		i = p
	}
	h.put(i, s)
}

// down puts s at i or below.
func (h *heap) down(i int, s slot) {
	for {
		first := 4*i + 1
		if first >= len(h.slots) {
			break
		}
		least := first
		for c := first + 1; c < min(first+4, len(h.slots)); c++ {
			if h.slots[c].before(&h.slots[least]) {
				least = c
			}
		}
		if !h.slots[least].before(&s) {
			break
		}
		h.put(i, h.slots[least])
		i = least
	}
	h.put(i, s)
}

func (h *heap) put(i int, s slot) {
	h.slots[i] = s
	s.t.slot = int32(i + 1)
}
