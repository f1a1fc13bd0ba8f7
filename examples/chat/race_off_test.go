//go:build !race && !torsion_debug

package main_test

const said = 40 << 20
