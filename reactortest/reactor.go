package reactortest

import (
	"context"
	"log/slog"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// A Reactor is what the suite tests. Those that can do more (Adopt, Listener,
// Stats) are tested for that too; see the fields of each test.
type Reactor interface {
	factory.Network
	protocol.Worker
	Run(ctx context.Context) error
	Stop()
	BeforeShutdown(f func(done func()))
	AfterShutdown(f func())
}

// Config is what the suite wants of a reactor; zero fields are defaults.
type Config struct {
	Logger       *slog.Logger
	DrainTimeout time.Duration
	Workers      int
	Socket       factory.Socket
}
