package main

import "math"

// Open: messages leave by a schedule, rate a second over all connections in turn, whatever the
// server does. A connection has one message under way; those that become due meanwhile wait here,
// and their latency counts from when they were due. So a server that stops for 10 ms is charged for
// all that 10 ms had to bring, not for one message. An op is a message.

type schedule struct {
	cs       []batch
	at       []int   // the message that is under way, by connection
	owed     []int   // how many are due behind it; -1: none is under way
	interval float64 // between two messages, in ns
	zero     int64   // when message 0 was due
	next     int     // the message that is due next; connection i has the messages i, i+conns, ...
	answered int
	looked   int64 // when we last looked at the clock
	from, to int   // the messages of this slice
	missing  int   // those of them that are due and not answered
}

// maxBehind is for how long, in ns, the schedule may be ahead of the answers: a server that
// is further behind will not catch up.
const maxBehind = 1e9

func runOpen(r *result) {
	if *rate <= 0 {
		fail("mode open needs a -rate")
	}
	s := &schedule{cs: openBatches(), at: make([]int, *nconns), owed: make([]int, *nconns), interval: 1e9 / *rate}
	for i := range s.owed {
		s.owed[i] = -1
	}
	start(float64(*nconns))
	s.zero = nanos()
	now, slice := s.zero, begin
	for running(s.clock(now)) {
		if begin != slice { // readings were taken: the schedule stood still
			slice = begin
			s.zero += nanos() - now
			s.from, s.to, s.missing = s.next, math.MaxInt, 0
		}
		now = s.look()
		s.send(now)
		for _, e := range poll() {
			s.receive(int(e.Fd))
			s.look()
		}
		if float64(s.next-s.answered)*s.interval > maxBehind {
			r.Behind = true
			return
		}
	}
}

// look returns the time, and notes for how long we have not looked. It is asked after
// every message, so that much work at once, as a slow server makes, is no stall.
func (s *schedule) look() int64 {
	now := nanos()
	if begin > 0 {
		cur.stall = max(cur.stall, float64(now-max(s.looked, begin))/1e9)
	}
	s.looked = now
	return now
}

// clock holds the end of a slice up until all that was due in it is answered: the slowest
// answers are those that must not be left out.
func (s *schedule) clock(now int64) int64 {
	if begin > 0 && s.missing > 0 && now >= end {
		return end - 1
	}
	return now
}

func (s *schedule) due(k int) int64 { return s.zero + int64(float64(k)*s.interval) }

// counts reports whether message k belongs to the slice.
func (s *schedule) counts(k int) bool { return begin > 0 && k >= s.from && k < s.to }

// send sends what is due.
func (s *schedule) send(now int64) {
	for at := s.due(s.next); at <= now; at = s.due(s.next) {
		if begin > 0 && at >= end {
			s.to = min(s.to, s.next)
		}
		if s.counts(s.next) {
			s.missing++
		}
		i := s.next % len(s.cs)
		if s.owed[i]++; s.owed[i] == 0 {
			cur.late.add(s.look() - at)
			s.sendOn(i, s.next)
		}
		s.next++
	}
}

func (s *schedule) sendOn(i, k int) {
	b := &s.cs[i]
	if *verify {
		b.fill(i)
	}
	s.at[i], b.start = k, s.due(k)
	b.send()
}

func (s *schedule) receive(i int) {
	b := &s.cs[i]
	if !b.receive() {
		return
	}
	s.answered++
	cur.ops++
	if s.counts(s.at[i]) {
		s.missing--
		cur.lat.add(nanos() - b.start)
	}
	if s.owed[i]--; s.owed[i] >= 0 {
		s.sendOn(i, s.at[i]+len(s.cs))
	}
}
