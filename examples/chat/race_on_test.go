//go:build race

package main_test

const said = 2 << 20
