package ftp_test

import (
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// What a small upload costs, in a folder two deep; and to replace it.
func BenchmarkRootUpload(b *testing.B) {
	for name, r := range map[string]*ftp.Root{"plain": {}, "quota": {Quota: 1 << 40}} {
		b.Run(name, func(b *testing.B) {
			r := &ftp.Root{Dir: b.TempDir(), Quota: r.Quota}
			require.NoError(b, r.Mkdir("/a"))
			require.NoError(b, r.Mkdir("/a/b"))
			for i := 0; b.Loop(); i++ {
				require.NoError(b, put(r, fmt.Sprint("/a/b/", i%1000), "x"))
			}
		})
	}
}

// What it costs to list a file in a folder of a thousand.
func BenchmarkRootReadDir(b *testing.B) {
	r := &ftp.Root{Dir: b.TempDir()}
	for i := range 1000 {
		require.NoError(b, put(r, fmt.Sprint("/", i), "x"))
	}
	n := 0
	for b.Loop() {
		require.NoError(b, r.ReadDir("/", func(fs.FileInfo) bool { n++; return true }))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/file")
}
