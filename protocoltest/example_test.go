package protocoltest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

// A shouter answers in capitals and hangs up when told to.
type shouter struct{ protocol.Base }

func (s *shouter) ConnectionMade(t protocol.Transport) {
	t.AfterFunc(time.Minute, t.LoseConnection)
}

func (s *shouter) DataReceived(data []byte) {
	fmt.Fprint(s, strings.ToUpper(string(data)))
}

func Example() {
	tr := protocoltest.Connect(&shouter{})
	tr.Receive("hello")
	fmt.Println(tr.Take())
	tr.Advance(time.Minute)
	fmt.Println(tr.Closed(), tr.Lost())
	// Output:
	// HELLO
	// true connection done
}

// What is written before LoseConnection is delivered, also to a peer that takes
// its time.
func TestCloseDelivers(t *testing.T) {
	tr := protocoltest.Connect(&shouter{})
	tr.Stall(true)
	tr.Receive("hello")
	tr.Do(tr.LoseConnection)
	assert.NoError(t, tr.Lost())
	assert.Empty(t, tr.Take())
	tr.Stall(false)
	assert.Equal(t, "HELLO", tr.Take())
	assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
	assert.Zero(t, tr.Timers())
}

// Input that arrives while the protocol does not read waits for it.
func TestPausedInputWaits(t *testing.T) {
	tr := protocoltest.Connect(&shouter{})
	tr.Do(tr.PauseReading)
	big := strings.Repeat("x", 1<<20)
	tr.Receive(big)
	assert.Empty(t, tr.Take())
	tr.Do(tr.ResumeReading)
	assert.Equal(t, strings.ToUpper(big), tr.Take())
}

// A hearer keeps what it hears.
type hearer struct {
	protocol.Base
	heard string
}

func (h *hearer) DataReceived(data []byte) { h.heard += string(data) }

// Two protocols joined in memory talk until neither has anything more to say.
func TestPumpMovesBothWays(t *testing.T) {
	client := &hearer{}
	p := protocoltest.NewPump(client, &shouter{})
	p.MaxPiece(3)
	p.Do(func() { fmt.Fprint(client, "is anybody there?") })
	assert.Equal(t, "IS ANYBODY THERE?", client.heard)
	p.Do(client.LoseConnection)
	assert.ErrorIs(t, p.Client.Lost(), protocol.ErrConnectionDone)
	assert.ErrorIs(t, p.Server.Lost(), protocol.ErrConnectionDone)
}
