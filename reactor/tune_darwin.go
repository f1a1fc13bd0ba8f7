package reactor

import "golang.org/x/sys/unix"

const (
	keepIdle     = unix.TCP_KEEPALIVE
	keepInterval = unix.TCP_KEEPINTVL
)
