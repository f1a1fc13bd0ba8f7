package group

import "slices"

// A history is the last messages, oldest first. All stand in an arena of their
// own, so it holds on to little more memory than they are long.
type history struct {
	messages [][]byte
	size     int // of all together
}

// add puts p behind the rest and forgets the oldest above n messages or limit
// bytes.
func (h *history) add(p []byte, n, limit int) {
	if len(p) == 0 {
		return
	}
	h.messages = append(h.messages, p)
	h.size += len(p)
	h.trim(n, limit)
}

// clone returns the same history, which goes its own way from here on.
func (h *history) clone() history { return history{slices.Clone(h.messages), h.size} }

// last returns what fits the bounds, which may have been changed.
func (h *history) last(n, limit int) [][]byte {
	h.trim(n, limit)
	return h.messages
}

func (h *history) trim(n, limit int) {
	old := max(0, len(h.messages)-max(0, n))
	for _, p := range h.messages[:old] {
		h.size -= len(p)
	}
	for ; h.size > limit && old < len(h.messages); old++ {
		h.size -= len(h.messages[old])
	}
	clear(h.messages[:old]) // their memory can go, though the slice's beginning cannot yet
	h.messages = h.messages[old:]
}
