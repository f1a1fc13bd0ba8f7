//go:build race || torsion_debug

package loop_test

const debugBuild = true
