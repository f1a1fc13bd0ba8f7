//go:build race

package factory_test

const raceEnabled = true
