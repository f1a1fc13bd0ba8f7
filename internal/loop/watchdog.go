package loop

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/torsion-go/torsion/protocol"
)

// A watchdog is a goroutine that looks, from outside, how long a callback has
// been running, and logs the name and stack of one that holds the loop.
type watchdog struct {
	loop  *Loop
	limit time.Duration
	stop  chan struct{}

	mu    sync.Mutex
	depth int
	since time.Time
	what  string
	whom  string // not the object: only the loop may look into that
	told  bool
}

// watchdogLimit is the time that a callback may take: Config's, or a second in
// debug builds, or none.
func (c Config) watchdogLimit() time.Duration {
	if c.Watchdog == 0 && debug {
		return time.Second
	}
	return max(c.Watchdog, 0)
}

// startWatchdog is called by Start; the function it returns stops it.
func (l *Loop) startWatchdog() (stop func()) {
	limit := l.config.watchdogLimit()
	if limit == 0 {
		return func() {}
	}
	d := &watchdog{loop: l, limit: limit, stop: make(chan struct{})}
	l.dog = d
	done := make(chan struct{})
	go func() { defer close(done); d.watch() }()
	return func() { close(d.stop); <-done }
}

func (d *watchdog) enter(l *Loop) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.depth++; d.depth == 1 {
		d.since, d.told = time.Now(), false
	}
	d.what, d.whom = l.what, protocol.NameOf(l.whom)
}

// leave counts a callback that was told of, which might not be one of the measured.
func (d *watchdog) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.depth--; d.depth == 0 && d.told {
		l := d.loop
		l.stats.LongestTurn = max(l.stats.LongestTurn, time.Since(d.since))
	}
}

func (d *watchdog) watch() {
	tick := time.NewTicker(max(d.limit/2, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			d.look()
		case <-d.stop:
			return
		}
	}
}

// look logs the callback that runs if it has run too long, once. The stack may be that
// of a coroutine which stands in for the loop's goroutine.
func (d *watchdog) look() {
	d.mu.Lock()
	held := time.Since(d.since)
	late := d.depth > 0 && !d.told && held >= d.limit
	name := ""
	if late {
		d.told = true
		name = "(" + d.whom + ")." + d.what
	}
	d.mu.Unlock()
	if late {
		d.loop.Logger().Warn("a callback holds the loop", "in", name, "for", held, "stack", stackOf(d.loop.goroutine.Load()))
	}
}

// urge posts what a shutdown does, and has it said if the loop has not done it in a
// second: nothing can break off the callback that holds it.
func (l *Loop) urge(f func()) {
	if l.config.Inline { // time is the test's
		_ = l.Call(f)
		return
	}
	late := time.AfterFunc(time.Second, func() {
		if on := l.goroutine.Load(); on != 0 && !l.finished.Load() {
			l.Logger().Warn("shutdown: the loop has not come to it for a second", "stack", stackOf(on))
		}
	})
	if l.Call(func() { defer late.Stop(); f() }) != nil {
		late.Stop() // it has ended, and needs no more
	}
}

// stackOf returns the stack of one goroutine, as far as 1 MiB of all of them shows it.
func stackOf(id uint64) string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	head := fmt.Appendf(nil, "goroutine %d ", id)
	for _, s := range bytes.Split(buf, []byte("\n\n")) {
		if bytes.HasPrefix(s, head) {
			return string(s)
		}
	}
	return ""
}
