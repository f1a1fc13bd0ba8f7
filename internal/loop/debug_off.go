//go:build !race && !torsion_debug

package loop

const debug = false
