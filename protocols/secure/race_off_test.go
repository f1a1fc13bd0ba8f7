//go:build !race && !torsion_debug

package secure_test

const raceEnabled = false
