// Package memnet is a kernel in memory: sockets that know each other, a clock
// that moves when it is told to, and faults on demand. It drives a loop.Loop
// step by step, so that everything that a reactor does can be tested without a
// network and without waiting.
package memnet

import (
	"context"
	"math"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/loop"
)

// window is how many bytes a socket of the loop takes before it is read.
const window = 64 << 10

// epoch is what the clock shows at first.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Faults are what a test wants to go wrong.
type Faults struct {
	Accept  []syscall.Errno // what the next Accepts answer; 0: nothing wrong
	MaxRecv int             // bytes per Recv; 0: no limit
	MaxSend int             // bytes per Send and SendFile; 0: no limit
	NoFiles bool            // SendFile is not known
	Sending func()          // is called by each SendFile, before and after it has sent
	Shed    int             // connections that Shed has turned away
	Pending bool            // connects neither succeed nor fail

	SendDatagrams []syscall.Errno // what the next SendDatagrams answer; 0: nothing wrong
	RecvDatagrams []syscall.Errno // the same of RecvDatagrams
	MaxDatagrams  int             // per SendDatagrams; 0: no limit
}

// A Kernel is one machine in memory. What it does to sockets happens on the
// goroutine that drives it, under a mutex, because Listen and Wake come from
// others.
type Kernel struct {
	Loop   *loop.Loop
	Faults Faults

	// Woken is called by Wake, from any goroutine, if it is set.
	Woken func()

	mu        sync.Mutex
	now       int64
	armed     int64
	bell      bool
	sockets   []*socket
	free      []int
	listeners map[string]*socket
	port      int
}

var _ loop.Kernel = (*Kernel)(nil)

// New returns a kernel and the loop over it.
func New(c loop.Config) *Kernel {
	k := &Kernel{now: 1, armed: math.MaxInt64, port: 49152, listeners: make(map[string]*socket)}
	k.Loop = loop.New(k, c)
	return k
}

// Step reports what is ready now, one event per socket, then the bell and what
// is due, as a poller does. It returns false if there was nothing to report.
func (k *Kernel) Step() bool {
	type event struct {
		s  *socket
		ev loop.Event
	}
	var batch []event
	k.mu.Lock()
	for _, s := range k.sockets {
		if s != nil {
			if ev := s.event(); ev != 0 {
				batch = append(batch, event{s, ev})
			}
		}
	}
	rung, due := k.bell, k.armed <= k.now
	k.bell = false
	if due {
		k.armed = math.MaxInt64
	}
	k.mu.Unlock()
	for _, e := range batch {
		k.Loop.Event(e.s.fd, e.ev) // even if a new socket has the number now: events are hints
	}
	if rung {
		k.Loop.Bell()
	}
	if due {
		k.Loop.Due()
	}
	return len(batch) > 0 || rung || due
}

// Settle steps until nothing is ready. A loop that never comes to rest is a
// mistake of the test's.
func (k *Kernel) Settle() {
	for n := 0; k.Step(); n++ {
		if n == 1_000_000 {
			panic("memnet: after a million steps the loop is still busy")
		}
	}
}

// Advance moves the clock by d and settles at each moment at which something is due.
func (k *Kernel) Advance(d time.Duration) {
	end := k.Nanos() + int64(d)
	for k.Settle(); ; k.Settle() {
		k.mu.Lock()
		at := k.armed
		k.now = max(k.now, min(at, end))
		k.mu.Unlock()
		if at > end {
			return
		}
	}
}

// Skip moves the clock by d at once, as a loop that was busy all the while sees it.
func (k *Kernel) Skip(d time.Duration) {
	k.mu.Lock()
	k.now += int64(d)
	k.mu.Unlock()
	k.Settle()
}

// Pass moves the clock by d and does nothing more: that is how long a callback takes.
func (k *Kernel) Pass(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now += int64(d)
}

// Now returns the clock's time.
func (k *Kernel) Now() time.Time { return epoch.Add(time.Duration(k.Nanos())) }

// Nanos returns it as a number.
func (k *Kernel) Nanos() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now
}

// Wake has the next step ring the bell.
func (k *Kernel) Wake() {
	k.mu.Lock()
	k.bell = true
	k.mu.Unlock()
	if k.Woken != nil {
		k.Woken()
	}
}

// Arm has the loop told when at has come.
func (k *Kernel) Arm(at int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.armed = at
}

// Again does nothing: readiness is looked up in each step.
func (k *Kernel) Again(int) {}

// Dial fails: there are no names here but those that Resolve knows.
func (k *Kernel) Dial(_ context.Context, network, addr string, _ factory.Socket) (int, error) {
	host, _, _ := net.SplitHostPort(addr)
	return -1, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
}
