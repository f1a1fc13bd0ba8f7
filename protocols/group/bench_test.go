package group_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/torsion-go/torsion/protocols/group"
)

// What a message costs 200 members on so many loops, all loops together, where
// each loop comes to it once every so many messages.
func BenchmarkLoops200(b *testing.B) {
	for _, loops := range []int{1, 2, 4} {
		for _, every := range []int{1, 32} {
			b.Run(fmt.Sprintf("loops=%d/every=%d", loops, every), func(b *testing.B) { benchLoops(b, loops, every) })
		}
	}
}

func benchLoops(b *testing.B, loops, every int) {
	var g group.Group
	var all []*hand
	for range loops {
		l := new(hand)
		all = append(all, l)
		for range 200 / loops {
			g.On(l).Join(&discard{})
		}
	}
	s := g.On(all[0])
	from, said, end := []byte("alice says "), []byte(strings.Repeat("x", 50)), []byte("\r\n")
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if s.Send(from, said, end); n%every == 0 {
			for _, l := range all {
				l.settle()
			}
		}
	}
}
