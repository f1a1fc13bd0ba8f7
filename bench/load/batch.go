package main

import (
	"fmt"
	"strings"
)

// Ping-pong and lines are a closed loop of batches. An op is a message or a line.

// A batch is depth messages, sent by one send; the next goes out when all the answers are in.
type batch struct {
	fd       int32
	seq, got int
	start    int64
	out, exp []byte // what is sent, what must come back
}

// fill writes the batch's messages. A line is 30 to 50 bytes, 40 on average; its answer has
// the prefix "> ", which no server can produce without finding the line ends.
func (b *batch) fill(i int) {
	b.out, b.exp = b.out[:0], b.exp[:0]
	for k := 0; k < *depth; k++ {
		n, tail := *size, ""
		if *mode == "line" {
			n, tail = 30+(k*7+i)%21, "\r\n"
			b.exp = append(b.exp, "> "...)
		}
		m := fmt.Appendf(nil, "c%06d s%07d i%02d %s", i, b.seq%1e7, k, strings.Repeat("abcdefgh", n/8+1))
		m = append(m[:n-len(tail)], tail...)
		b.out = append(b.out, m...)
		b.exp = append(b.exp, m...)
	}
	b.seq++
}

func (b *batch) send() {
	if n := send(b.fd, b.out); n != len(b.out) {
		fail("send: %d of %d", n, len(b.out))
	}
}

// receive takes what has come; it is true when the batch is complete.
func (b *batch) receive() bool {
	n := recv(b.fd, buf)
	if n == again {
		return false
	}
	if n <= 0 || b.got+n > len(b.exp) {
		fail("recv: %d after %d of %d bytes", n, b.got, len(b.exp))
	}
	if *verify && string(buf[:n]) != string(b.exp[b.got:b.got+n]) {
		fail("content: got %q, want %q", buf[:n], b.exp[b.got:b.got+n])
	}
	b.got += n
	if b.got < len(b.exp) {
		return false
	}
	b.got = 0
	return true
}

func openBatches() []batch {
	cs := make([]batch, *nconns)
	connect(*port, *nconns, func(fds []int32, from int) {
		for i := from; i < len(fds); i++ {
			cs[i].fd = fds[i]
			cs[i].fill(i)
			cs[i].send()
		}
		for left, limit := len(fds)-from, nanos()+20e9; left > 0; {
			for _, e := range poll() {
				if cs[e.Fd].receive() {
					left--
				}
			}
			if nanos() > limit {
				fail("no answer on %d of %d new connections", left, len(fds)-from)
			}
		}
	})
	return cs
}

func runBatches() {
	cs := openBatches()
	now := nanos()
	start(float64(*nconns * *depth))
	for i := range cs {
		cs[i].start = now
		cs[i].send()
	}
	for running(now) {
		evs := poll()
		if len(evs) == 0 {
			now = nanos()
			continue
		}
		for _, e := range evs {
			b := &cs[e.Fd]
			if !b.receive() {
				continue
			}
			now = nanos()
			if b.start >= begin && begin > 0 {
				cur.lat.add(now - b.start)
			}
			cur.ops += float64(*depth)
			if *verify {
				b.fill(int(e.Fd))
			}
			b.start = now
			b.send()
		}
	}
}
