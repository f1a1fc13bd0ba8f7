package main

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A schedule of one connection, one message a millisecond, in a slice that began so many ns
// ago; the other end of it.
func scheduled(t *testing.T, ago int64) (*schedule, int) {
	set(t, &epoch, time.Now().Add(-time.Hour)) // this process may be younger
	zero := nanos() - ago
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	require.NoError(t, err)
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	set(t, &cur, tally{})
	set(t, &begin, zero)
	set(t, &end, int64(math.MaxInt64))
	s := &schedule{cs: make([]batch, 1), at: []int{0}, owed: []int{-1}, interval: 1e6, zero: zero, to: math.MaxInt}
	s.cs[0].fd = int32(fds[0])
	s.cs[0].fill(0)
	return s, fds[1]
}

// echo answers what one message was, as the server would; it reports whether there was one.
func echo(t *testing.T, fd int) bool {
	b := make([]byte, 4096)
	n, err := unix.Read(fd, b)
	if err == unix.EAGAIN {
		return false
	}
	require.NoError(t, err)
	require.Equal(t, *size, n, "one message at a time")
	_, err = unix.Write(fd, b[:n])
	require.NoError(t, err)
	return true
}

func TestAStopIsChargedToAllThatWasDueInIt(t *testing.T) {
	const stop = 100
	s, server := scheduled(t, stop*1e6)
	s.send(s.zero + stop*1e6)
	answers := 0
	for ; echo(t, server); answers++ {
		s.receive(0)
	}
	assert.Equal(t, stop+1, answers)
	assert.EqualValues(t, answers, cur.lat.n)
	assert.Zero(t, s.missing)
	// Message k waited from k ms on. A closed loop would have told of the first alone.
	assert.GreaterOrEqual(t, cur.lat.quantile(.01), 0.)
	assert.GreaterOrEqual(t, cur.lat.quantile(.5), stop/2*1e3*.98)
	assert.GreaterOrEqual(t, cur.lat.quantile(.99), (stop-2)*1e3*.98)
}

func TestASliceLastsUntilAllThatWasDueIsAnswered(t *testing.T) {
	s, server := scheduled(t, 5e6)
	set(t, &end, s.zero+2.5e6) // 0, 1 and 2 are due in it
	s.send(s.zero + 5e6)
	assert.Equal(t, 3, s.missing)
	for range 3 {
		assert.Less(t, s.clock(end+1), end)
		require.True(t, echo(t, server))
		s.receive(0)
	}
	assert.Equal(t, end+1, s.clock(end+1))
	assert.EqualValues(t, 3, cur.lat.n)
	require.True(t, echo(t, server))
	s.receive(0)
	assert.EqualValues(t, 3, cur.lat.n, "the next slice's are not counted")
}
