package main

import (
	"bytes"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNoMessageIsLikeAnother(t *testing.T) {
	set(t, depth, 32)
	set(t, size, 64)
	seen := map[string]bool{}
	for i := range 3 {
		var b batch
		for range 3 {
			b.fill(i)
			assert.Equal(t, b.out, b.exp)
			assert.Len(t, b.out, 32*64)
			for m := range slices.Chunk(b.out, 64) {
				seen[string(m)] = true
			}
		}
	}
	assert.Len(t, seen, 3*3*32)
}

func TestLinesComeBackWithAPrefix(t *testing.T) {
	set(t, depth, 21)
	set(t, mode, "line")
	sent := 0
	for i := range 7 {
		var b batch
		b.fill(i)
		lines := bytes.SplitAfter(b.out, []byte("\r\n"))
		assert.Len(t, lines, 21+1)
		assert.Equal(t, append([]byte("> "), bytes.Join(lines[:21], []byte("> "))...), b.exp)
		sent += len(b.out)
	}
	assert.Equal(t, 7*21*40, sent, "40 bytes on average")
}

func TestThePatternGoesOnBehindItsPeriod(t *testing.T) {
	assert.Equal(t, pattern[period:], pattern[:1<<18])
	assert.NotEqual(t, pattern[:4096], pattern[4096:8192])
}
