package protocoltest

import (
	"time"

	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/protocol"
)

// A Pump joins two protocols in memory.
type Pump struct {
	Client, Server *Side
	kernel         *memnet.Kernel
}

// A Side is one of a Pump's protocols. The methods of the embedded
// protocol.Transport belong to the loop: call them inside Pump.Do.
type Side struct {
	protocol.Transport
	side
}

// NewPump connects client to server. Nothing has been moved between them yet
// but what ConnectionMade of the server wrote.
func NewPump(client, server protocol.Protocol) *Pump {
	k := newKernel()
	p := &Pump{Client: &Side{side: side{kernel: k}}, Server: &Side{side: side{kernel: k}}, kernel: k}
	a, b := k.Pipe(theirs, ours)
	p.Server.Transport = p.Server.adopt(server, b, theirs)
	p.Client.Transport = p.Client.adopt(client, a, ours)
	return p
}

// Flush moves bytes until nothing moves any more.
func (p *Pump) Flush() {
	p.kernel.Loop.Enter()
	p.kernel.Settle()
}

// Do runs f on the loop, and then does as Flush.
func (p *Pump) Do(f func()) {
	_ = p.kernel.Loop.Call(f) // this loop never stops
	p.Flush()
}

// Advance moves the clock of both.
func (p *Pump) Advance(d time.Duration) {
	p.kernel.Loop.Enter()
	p.kernel.Advance(d)
}

// MaxPiece has no more than n bytes arrive at once; 0 is no limit.
func (p *Pump) MaxPiece(n int) { p.kernel.Faults.MaxRecv = n }
