package reactor

import "golang.org/x/sys/unix"

const keepIdleOption = unix.TCP_KEEPALIVE
