//go:build race

package deferred_test

const race = true
