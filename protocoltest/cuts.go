package protocoltest

import (
	"fmt"
	"iter"
	"math/rand/v2"
)

// Cuts divides input as a network may: whole, byte by byte, and at random, in a
// few ways that are the same in every run. The first value is the cut's name. A
// protocol must do the same with all of them.
func Cuts(input string) iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		if !yield("whole", []string{input}) || !yield("bytes", split(input, func() int { return 1 })) {
			return
		}
		for seed := range uint64(4) {
			r := rand.New(rand.NewPCG(seed, 7))
			if !yield(fmt.Sprintf("random %d", seed), split(input, func() int { return 1 + r.IntN(9) })) {
				return
			}
		}
	}
}

func split(s string, size func() int) (pieces []string) {
	for len(s) > 0 {
		n := min(size(), len(s))
		pieces = append(pieces, s[:n])
		s = s[n:]
	}
	return pieces
}
