package main

// hist is a log-linear histogram of nanoseconds: 64 buckets to the power of two, error < 1.6 %.
type hist struct {
	n uint64
	b [64 * 64]uint64
}

func (h *hist) add(ns int64) {
	h.n++
	h.b[bucket(uint64(ns))]++
}

func (h *hist) merge(o *hist) {
	h.n += o.n
	for i, n := range o.b {
		h.b[i] += n
	}
}

func bucket(v uint64) int {
	if v < 128 {
		return int(v)
	}
	e := 0
	for v>>e >= 128 {
		e++
	}
	return e*64 + int(v>>e)
}

func (h *hist) quantile(q float64) float64 { // in microseconds
	want, sum := uint64(q*float64(h.n)), uint64(0)
	for i, n := range h.b {
		if sum += n; n > 0 && sum >= want {
			if i < 128 {
				return float64(i) / 1e3
			}
			e := i/64 - 1
			return float64(uint64(i-e*64)<<e) / 1e3
		}
	}
	return 0
}
