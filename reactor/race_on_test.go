//go:build race || torsion_debug

package reactor_test

const raceEnabled = true
