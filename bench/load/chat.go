package main

import (
	"fmt"
	"strings"
	"time"
)

// The chat: nconns clients are in the room; the first senders of them talk, each
// with depth lines under way. A line is lineWidth bytes; it is done, and its
// sender sends the next, when all the clients have it. An op is a delivery; the
// latency is from a line's send to each of its deliveries.

const (
	lineWidth   = 64
	maxUnderWay = 1 << 12
)

var lineFill = strings.Repeat("abcdefghij", 6)[:lineWidth-15]

type chatClient struct {
	part []byte  // the beginning of a line whose end has not come
	last [64]int // the last line seen of each sender, for -verify
}

type chatLine struct {
	at           int64 // when it was sent
	left         int   // deliveries that have not come
	sender, prev int   // prev: the sender's line before this one
}

type chatRoom struct {
	clients []chatClient
	fds     []int32
	lines   [maxUnderWay]chatLine // by number, modulo
	next    int                   // number of the next line
	out     [][]byte              // what each sender has to send
	last    [64]int               // the last line of each sender
	now     int64
}

func runChat() {
	r := &chatRoom{clients: make([]chatClient, *nconns), out: make([][]byte, *senders), next: 1}
	r.fds = connect(*port, *nconns, func([]int32, int) { time.Sleep(20 * time.Millisecond) })
	time.Sleep(200 * time.Millisecond) // let the server accept the last of them
	start(float64(*senders * *depth * *nconns))
	r.now = nanos()
	for s := range *senders {
		for range *depth {
			r.say(s)
		}
	}
	for running(r.now) {
		r.send()
		evs := poll()
		r.now = nanos()
		for _, e := range evs {
			r.receive(int(e.Fd))
		}
	}
}

// say queues one more line of a sender.
func (r *chatRoom) say(sender int) {
	l := &r.lines[r.next%maxUnderWay]
	if l.left != 0 {
		fail("line %d is still under way", r.next-maxUnderWay)
	}
	*l = chatLine{r.now, *nconns, sender, r.last[sender]}
	r.last[sender] = r.next
	r.out[sender] = appendLine(r.out[sender], r.next, sender)
	r.next++
}

func appendLine(b []byte, number, sender int) []byte {
	return fmt.Appendf(b, "%08d s%02d %s\r\n", number, sender, lineFill)
}

func (r *chatRoom) send() {
	for s, out := range r.out {
		if len(out) == 0 {
			continue
		}
		if n := send(r.fds[s], out); n != len(out) {
			fail("send: %d of %d", n, len(out))
		}
		r.out[s] = out[:0]
	}
}

func (r *chatRoom) receive(i int) {
	c := &r.clients[i]
	n := recv(r.fds[i], buf)
	if n == again {
		return
	}
	if n <= 0 {
		fail("recv: %d", n)
	}
	b := buf[:n]
	if k := len(c.part); k > 0 {
		m := min(lineWidth-k, n)
		c.part, b = append(c.part, b[:m]...), b[m:]
		if k+m < lineWidth {
			return
		}
		r.take(c, c.part)
		c.part = c.part[:0]
	}
	for ; len(b) >= lineWidth; b = b[lineWidth:] {
		r.take(c, b[:lineWidth])
	}
	c.part = append(c.part, b...)
}

// take counts one delivered line.
func (r *chatRoom) take(c *chatClient, line []byte) {
	id := 0
	for _, d := range line[:8] {
		id = id*10 + int(d-'0')
	}
	if id < 0 || id >= r.next || id < r.next-maxUnderWay || r.lines[id%maxUnderWay].left == 0 {
		fail("bad line %q", line)
	}
	l := &r.lines[id%maxUnderWay]
	if *verify {
		r.compare(c, l, id, line)
	}
	if l.at >= begin && begin > 0 {
		cur.lat.add(r.now - l.at)
	}
	cur.ops++
	if l.left--; l.left == 0 {
		r.say(l.sender)
	}
}

// compare checks a line's content, and that it follows its sender's line before.
func (r *chatRoom) compare(c *chatClient, l *chatLine, id int, line []byte) {
	if want := appendLine(nil, id, l.sender); string(want) != string(line) {
		fail("content: got %q, want %q", line, want)
	}
	if c.last[l.sender] != l.prev {
		fail("line %d of sender %d after its line %d, not %d", id, l.sender, c.last[l.sender], l.prev)
	}
	c.last[l.sender] = id
}
