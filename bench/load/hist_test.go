package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestQuantilesAreThoseOfTheSortedValues(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var a, b, both hist
	var all []float64
	for i := range 100_000 {
		v := int64(math.Exp(r.Float64() * 25)) // 1 ns to 72 s
		[]*hist{&a, &b}[i%2].add(v)
		all = append(all, float64(v)/1e3)
	}
	both.merge(&a)
	both.merge(&b)
	slices.Sort(all)
	assert.EqualValues(t, len(all), both.n)
	for _, q := range []float64{.001, .5, .99, .999} {
		assert.InEpsilon(t, all[int(q*float64(len(all)))], both.quantile(q), .017, q)
	}
}

func TestQuantilesOfFew(t *testing.T) {
	var h hist
	assert.Zero(t, h.quantile(.5))
	h.add(100)
	assert.Equal(t, .1, h.quantile(.5))
	assert.Equal(t, .1, h.quantile(.999))
}
