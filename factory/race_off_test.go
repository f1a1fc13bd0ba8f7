//go:build !race && !torsion_debug

package factory_test

const raceEnabled = false
