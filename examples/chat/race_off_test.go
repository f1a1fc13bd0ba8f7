//go:build !race

package main_test

const said = 40 << 20
