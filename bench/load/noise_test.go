package main

import (
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
)

// set gives a flag a value for one test.
func set[T any](t *testing.T, p *T, v T) {
	old := *p
	*p = v
	t.Cleanup(func() { *p = old })
}

func TestSlicesInWhichOthersRanAreDisturbed(t *testing.T) {
	for _, c := range []struct {
		t    tally
		mode string
		want bool
	}{
		{tally{secs: 1}, "pp", true},
		{tally{secs: 1, stolen: .01}, "pp", false},
		{tally{secs: 1, others: .01}, "pp", true},
		{tally{secs: 1, others: .03}, "pp", false},
		{tally{secs: 1, wait: .03}, "pp", false},
		{tally{secs: 1, wait: .03}, "churn", true},
		{tally{secs: 1, others: .03}, "churn", false},
		{tally{secs: 1, stall: .0006}, "open", false},
		{tally{secs: 1, stall: .0004}, "open", true},
	} {
		set(t, mode, c.mode)
		assert.Equal(t, c.want, c.t.undisturbed(), "%s %v %v %v", c.mode, c.t.others, c.t.wait, c.t.stall)
	}
}

func measuredOf(t *testing.T, theClean, theAll tally) result {
	set(t, &clean, theClean)
	set(t, &all, theAll)
	var r result
	r.measured()
	return r
}

func TestAResultIsOfTheCleanSlices(t *testing.T) {
	set(t, seconds, 1)
	r := measuredOf(t, tally{secs: .5, ops: 100, run: .25, user: 1, sys: 3, idle: .1, lost: 25}, tally{secs: 2, ops: 9999})
	assert.False(t, r.Noisy)
	assert.Equal(t, .75, r.Dirty)
	assert.Equal(t, 200., r.Rate)
	assert.Equal(t, .5, r.Srv)
	assert.Equal(t, .125, r.SrvUser)
	assert.Equal(t, 2500., r.CPUPerOp)
	assert.InDelta(t, .8, r.GenBusy, 1e-9)
	assert.Equal(t, .2, r.Lost)
}

func TestTooFewCleanSlicesAreToldAndAllAreUsed(t *testing.T) {
	set(t, seconds, 1)
	r := measuredOf(t, tally{secs: .2, ops: 9999}, tally{secs: 4, ops: 400, run: 2})
	assert.True(t, r.Noisy)
	assert.Equal(t, 100., r.Rate)
	assert.Equal(t, 5000., r.CPUPerOp)
}

func TestTheServersTimeIsThatOfThreadsThatHaveEndedToo(t *testing.T) {
	set(t, pid, os.Getpid())
	var is tally
	readServer(&is, -1)
	spent := make(chan float64)
	go func() {
		runtime.LockOSThread() // and no unlock: the thread ends here
		began := threadTime()
		for threadTime()-began < 50e6 {
			spin()
		}
		spent <- float64(threadTime()-began) / 1e9
	}()
	want := <-spent
	readServer(&is, 1)
	assert.GreaterOrEqual(t, is.run, want-.011) // the clock may be a tick behind
}

func TestRSS(t *testing.T) {
	assert.Positive(t, readRSS(os.Getpid()))
	assert.Zero(t, readRSS(0))
}
