//go:build !unix

package ftp

import "io/fs"

func identity(fs.FileInfo) (device, file uint64, ok bool) { return 0, 0, false }
