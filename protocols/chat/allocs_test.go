//go:build (darwin || dragonfly || freebsd || linux || netbsd || openbsd) && !race && !torsion_debug

package chat_test

import (
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/chat"
)

// A line that is said to a room over sockets costs at most one allocation for each who
// hears it, that of the chunk which refers to the line; and the arena that holds
// the lines is renewed now and then.
func TestALineOverSocketsAllocatesOneChunkPerMember(t *testing.T) {
	const members, times, noise = 8, 2000, 0.05
	room := chat.Room{Interval: -1}
	addrs, _ := open(t, &room, 1)
	var there []*talker
	for range members {
		k, err := dial(addrs[0])
		require.NoError(t, err)
		defer k.Close()
		there = append(there, k)
	}
	line := []byte("a line of ordinary length\n")
	_, err := there[0].Write([]byte("ready\n"))
	require.NoError(t, err)
	for _, k := range there {
		require.NoError(t, k.until(ends(" says ready")))
	}
	buf := make([]byte, len("127.0.0.1 says a line of ordinary length\r\n"))
	say := func() {
		_, err := there[0].Write(line)
		for _, k := range there {
			if err == nil {
				_, err = io.ReadFull(k.in, buf)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 200 {
		say()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		say()
	}
	runtime.ReadMemStats(&after)
	assert.LessOrEqual(t, float64(after.Mallocs-before.Mallocs)/times, members+noise)
}
