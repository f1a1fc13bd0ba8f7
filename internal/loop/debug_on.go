//go:build race || torsion_debug

package loop

// debug turns on the checks that cost too much for every build: lent data is
// overwritten after the callback, every use of a transport is checked for its
// goroutine, timers on ended transports panic, the watchdog runs by default.
const debug = true
