package reactortest

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/torsion-go/torsion/factory"
)

// A Harness is one column of the suite: a reactor on one kind of network.
type Harness struct {
	Name    string // of the column
	Network string // "tcp4", "tcp6" or "unix", as for Listen

	// New makes a reactor that has not run.
	New func(t testing.TB, c Config) Reactor

	// Address returns where to listen: a free address, each time.
	Address func(t testing.TB) string

	// Wrap puts a layer under what the factories build, of the client's or the
	// server's side; nil: there is none.
	Wrap func(f factory.Factory, client bool) factory.Factory

	// Late says that others may have been accepted when a factory builds: Wrap's do so
	// when a handshake is done, and reactors of a pool accept for each other.
	Late bool

	// These make peers that live beside the reactor. Where there are none the
	// laws about them are skipped. Pair's first conn is one that the reactor can
	// adopt. The conns and listeners are closed by the suite.
	Dial   func(t testing.TB, to net.Addr) net.Conn
	Accept func(t testing.TB) net.Listener
	Pair   func(t testing.TB) (ours, theirs net.Conn)
}

// A law is a sentence that must be true of every reactor.
type law struct {
	name  string
	holds func(w *world)
}

// A part is a group of laws, named by a letter as in the table of the package's doc.
type part struct {
	name string
	laws []law
}

var parts = []part{
	{"A life", life},
	{"B calls", calls},
	{"C timers", timers},
	{"D workers", work},
	{"F close", closes},
	{"F patience", patiences},
	{"F transport", transports},
	{"F producers", producers},
	{"F files", files},
	{"G pause", pauses},
	{"H listen", listens},
	{"H connect", connects},
	{"I datagrams", datagrams},
	{"J failing", failing},
	{"L adopt", adopts},
	{"T traps", traps},
}

// Test runs all laws over each of the columns, one after the other, and logs a
// table of what came of them. In -short mode the long ones move fewer bytes.
func Test(t *testing.T, columns ...Harness) {
	verdicts := make(map[string]string)
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) {
			for _, l := range p.laws {
				t.Run(l.name, func(t *testing.T) {
					for _, h := range columns {
						key := p.name + "/" + l.name + "/" + h.Name
						t.Run(h.Name, func(t *testing.T) { verdicts[key] = l.try(t, h) })
					}
				})
			}
		})
	}
	t.Log(table(verdicts, columns))
}

// try returns the verdict, which is known when the cleanups have run as well.
func (l law) try(t *testing.T, h Harness) string {
	verdict := "skip"
	t.Run("law", func(t *testing.T) {
		defer func() {
			if !t.Skipped() {
				verdict = "ok"
			}
		}()
		w := &world{T: t, Harness: h}
		w.countLeftovers()
		l.holds(w)
	})
	if t.Failed() {
		verdict = "FAIL"
	}
	return verdict
}

// table has a line for each law and a column for each harness.
func table(verdicts map[string]string, columns []Harness) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-64s", "law")
	for _, h := range columns {
		fmt.Fprintf(&b, " %-7s", h.Name)
	}
	for _, p := range parts {
		for _, l := range p.laws {
			fmt.Fprintf(&b, "\n%-64s", p.name+": "+l.name)
			for _, h := range columns {
				fmt.Fprintf(&b, " %-7s", verdicts[p.name+"/"+l.name+"/"+h.Name])
			}
		}
	}
	return b.String()
}

// OverMemory is the column of a Memory.
func OverMemory() Harness {
	return Harness{
		Name:    "memory",
		Network: "tcp4",
		New:     func(_ testing.TB, c Config) Reactor { return NewMemory(c) },
		Address: func(testing.TB) string { return "127.0.0.1:0" },
	}
}
