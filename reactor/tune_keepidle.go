//go:build dragonfly || freebsd || linux || netbsd

package reactor

import "golang.org/x/sys/unix"

const keepIdleOption = unix.TCP_KEEPIDLE
