// load is the load generator. It is one thread that never sleeps (but for -beside): epoll_wait(0), recv, send.
//
//	load -mode pp|open|bulk|line|chat|udp|mem|churn -port N -conns N -depth N -size N -seconds S
//	     [-rate N] [-together|-beside] [-verify] [-pid SERVER] [-tls 1.3 [-resume]]
//
// It prints one line of JSON. Every mode counts the bytes that come back and fails when the
// count is wrong; with -verify every message differs and is compared byte by byte.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"
)

var (
	mode     = flag.String("mode", "pp", "pp, open, bulk, line, chat, udp, mem or churn")
	port     = flag.Int("port", 7000, "server port on 127.0.0.1")
	nconns   = flag.Int("conns", 100, "connections")
	depth    = flag.Int("depth", 1, "messages in flight per connection (chat: per sender)")
	size     = flag.Int("size", 64, "message bytes")
	senders  = flag.Int("senders", 8, "chat: how many of the clients talk")
	window   = flag.Int("window", 262144, "bulk: bytes in flight per connection")
	rate     = flag.Float64("rate", 0, "open: messages a second, over all connections")
	seconds  = flag.Float64("seconds", 1, "measured time")
	slice    = flag.Float64("slice", 0.05, "it is cut into slices of this length")
	warm     = flag.Float64("warm", 0.2, "time before the measurement")
	verify   = flag.Bool("verify", false, "compare the content of every message")
	together = flag.Bool("together", false, "other generators load the same server")
	beside   = flag.Bool("beside", false, "the server uses our core too: sleep while there is nothing to do")
	pid      = flag.Int("pid", 0, "server process, for its CPU time and memory")
	heap     = flag.Bool("heap", false, "mem: have the server tell its heap, before and after (package heap)")
)

// result is what one run measured. An "op" is a message, a line, a delivery, a MiB or a connection.
type result struct {
	Mode     string  `json:"mode"`
	Conns    int     `json:"conns"`
	Ops      float64 `json:"ops"`
	Secs     float64 `json:"secs"`
	Rate     float64 `json:"rate"`      // ops per second
	P50      float64 `json:"p50_us"`    // latency of a batch of depth messages
	P99      float64 `json:"p99_us"`    //
	P999     float64 `json:"p999_us"`   //
	Late     float64 `json:"late_us"`   // open: p99.9 of how late we sent what could be sent at once
	Lost     float64 `json:"lost"`      // udp: share of the datagrams that did not come back
	Behind   bool    `json:"behind"`    // open: the server did not keep up with the rate
	Srv      float64 `json:"srv_cpu"`   // server CPU, share of one core
	SrvUser  float64 `json:"srv_user"`  // its user part
	CPUPerOp float64 `json:"cpu_us_op"` // server CPU microseconds per op
	GenBusy  float64 `json:"gen_busy"`  // 1 = the generator never waited for the server
	Dirty    float64 `json:"dirty"`     // share of the slices that were thrown away
	Noisy    bool    `json:"noisy"`     // not enough clean slices: all of them were used
	Speed0   float64 `json:"speed0"`    // of core 0, by the probe
	Speed1   float64 `json:"speed1"`    // of our core
	RSS0     int     `json:"rss0_kb"`
	RSS1     int     `json:"rss1_kb"`
	PerConn  float64 `json:"bytes_per_conn"`
	Verified bool    `json:"verified"`
}

var buf = make([]byte, 1<<18)

func main() {
	flag.Parse()
	debug.SetGCPercent(-1)
	if *version != "" {
		useTLS()
	}
	runtime.LockOSThread()
	lock, err := unix.Open("/tmp/bench-load.lock", unix.O_CREAT|unix.O_RDWR|unix.O_CLOEXEC, 0666)
	check(err)
	how := unix.LOCK_EX // one measurement at a time on this machine
	if *together {
		how = unix.LOCK_SH
	}
	check(unix.Flock(lock, how))
	if *beside {
		patience = 1
	}
	epoch = time.Now()
	epfd, err = unix.EpollCreate1(0)
	check(err)
	r := result{Mode: *mode, Conns: *nconns, Verified: *verify, RSS0: readRSS(*pid)}
	switch *mode {
	case "pp", "line":
		runBatches()
	case "open":
		runOpen(&r)
	case "bulk":
		runBulk()
	case "chat":
		runChat()
	case "udp":
		runUDP()
	case "churn":
		runChurn()
	case "mem":
		tellHeap()
		openBatches()
		tellHeap()
		time.Sleep(time.Duration(*seconds * 1e9))
		r.RSS1 = readRSS(*pid)
		r.PerConn = float64(r.RSS1-r.RSS0) * 1024 / float64(*nconns)
	default:
		fail("no mode %q", *mode)
	}
	if *mode != "mem" && !r.Behind {
		r.measured()
	}
	b, _ := json.Marshal(r)
	fmt.Println(string(b))
	os.Exit(0) // the kernel closes the connections, with RST
}

// tellHeap has the server print what its heap is, which it does as soon as it can.
func tellHeap() {
	if *heap {
		check(unix.Kill(*pid, unix.SIGUSR1))
		time.Sleep(time.Second)
	}
}

// measured fills in what the clean slices say, or all if too few were clean.
func (r *result) measured() {
	t := &clean
	if r.Dirty = 1 - clean.secs/all.secs; clean.secs < *seconds/4 {
		t, r.Noisy = &all, true
	}
	r.Ops, r.Secs, r.Rate = t.ops, t.secs, t.ops/t.secs
	if *mode == "open" || flight < r.Rate**slice/2 { // else most of the latencies are longer than a slice
		r.Late = t.late.quantile(.999)
		r.P50, r.P99, r.P999 = t.lat.quantile(.5), t.lat.quantile(.99), t.lat.quantile(.999)
	}
	if t.lost > 0 {
		r.Lost = t.lost / (t.lost + t.ops)
	}
	r.Srv = t.run / t.secs
	if t.user+t.sys > 0 {
		r.SrvUser = r.Srv * t.user / (t.user + t.sys)
	}
	if t.ops > 0 {
		r.CPUPerOp = t.run * 1e6 / t.ops
	}
	r.GenBusy, r.Speed0, r.Speed1 = 1-t.idle/t.secs, t.speed0/t.secs, t.speed1/t.secs
}
