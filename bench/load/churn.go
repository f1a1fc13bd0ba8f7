package main

import (
	"strings"

	"golang.org/x/sys/unix"
)

// Churn: connect, one message each way, close. depth connections are open at a
// time; the oldest is waited for, closed and replaced. An op is a connection.
// Over TLS both sides say that they close.

type job struct {
	fd    int32
	start int64
	got   int
	left  bool // over TLS: we have said so
}

var churnMessage []byte

func runChurn() {
	churnMessage = []byte(strings.Repeat("churn-64", *size/8))
	ring := make([]job, *depth)
	for i := range ring {
		ring[i].open()
	}
	now := nanos()
	start(float64(*depth))
	for i := 0; running(now); {
		j := &ring[i]
		if !j.receive() {
			now = nanos()
			continue
		}
		unix.Close(int(j.fd))
		now = nanos()
		if j.start >= begin && begin > 0 {
			cur.lat.add(now - j.start)
		}
		cur.ops++
		j.open()
		i = (i + 1) % len(ring)
	}
}

func (j *job) open() {
	j.start, j.got, j.left = nanos(), 0, false
	fd, err := dial(*port)
	check(err)
	if n := send(fd, churnMessage); n != len(churnMessage) {
		fail("send: %d", n)
	}
	j.fd = fd
}

// receive takes what has come; it is true when that was all.
func (j *job) receive() bool {
	n := recv(j.fd, buf[j.got:])
	idle(n == again)
	switch {
	case n == again:
		return false
	case j.left && n == 0:
		return true
	case j.left || n <= 0:
		fail("recv: %d", n)
	}
	if j.got += n; j.got < len(churnMessage) {
		return false
	}
	if string(buf[:j.got]) != string(churnMessage) {
		fail("content: %q", buf[:j.got])
	}
	s := over(j.fd)
	if s != nil {
		s.leave()
		j.left = true
	}
	return s == nil
}
