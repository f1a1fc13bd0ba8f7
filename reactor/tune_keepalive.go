//go:build darwin || dragonfly || freebsd || linux || netbsd

package reactor

import "golang.org/x/sys/unix"

// keepIdle sets the time before and between the probes.
func (o *options) keepIdle(seconds int) {
	o.set("TCP_KEEPIDLE", unix.IPPROTO_TCP, keepIdleOption, seconds)
	o.set("TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, seconds)
}
