package main

// Bulk: every connection sends the pattern over and over in chunks of size
// bytes, with at most window bytes on the way. An op is a MiB that has come back.

const period = 65521 // of the pattern: prime, so that a lost or doubled block shows

var pattern = make([]byte, period+1<<18)

func init() {
	x := uint32(1)
	for i := range pattern[:period] {
		x = x*1664525 + 1013904223
		pattern[i] = byte(x >> 24)
	}
	for n := period; n < len(pattern); n *= 2 {
		copy(pattern[n:], pattern[:n])
	}
}

type stream struct {
	fd         int32
	sent, recd int
}

func runBulk() {
	cs := make([]stream, *nconns)
	for i, fd := range connect(*port, *nconns, func([]int32, int) {}) {
		cs[i].fd = fd
	}
	start(float64(*nconns**window) / (1 << 20))
	for i := range cs {
		cs[i].push()
	}
	for now := nanos(); running(now); now = nanos() {
		for _, e := range poll() {
			cs[e.Fd].receive()
		}
	}
}

// push sends as much as window and the kernel allow.
func (c *stream) push() {
	for c.sent-c.recd <= *window-*size {
		n := *size - c.sent%*size // the rest of the chunk
		w := send(c.fd, pattern[c.sent%period:][:n])
		if w == again {
			return // some bytes are on the way: their return will bring us back here
		}
		if w < 0 {
			fail("send: errno %d", -w)
		}
		c.sent += w
	}
}

func (c *stream) receive() {
	n := recv(c.fd, buf)
	if n == again {
		return
	}
	if n <= 0 || c.recd+n > c.sent {
		fail("recv: %d after %d of %d bytes", n, c.recd, c.sent)
	}
	if *verify {
		c.compare(buf[:n])
	}
	c.recd += n
	cur.ops += float64(n) / (1 << 20)
	c.push()
}

func (c *stream) compare(b []byte) {
	for o := 0; o < len(b); o += 4096 {
		part := b[o:min(o+4096, len(b))]
		if string(part) != string(pattern[(c.recd+o)%period:][:len(part)]) {
			fail("content differs after %d bytes", c.recd+o)
		}
	}
}
