package protocol_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
)

type loggingLoop struct {
	protocol.Loop
	logger *slog.Logger
}

func (l loggingLoop) Logger() *slog.Logger { return l.logger }

// A loop that has a logger says what there is to say by that.
func TestLoggerOf(t *testing.T) {
	own := slog.New(slog.DiscardHandler)
	assert.Same(t, own, protocol.LoggerOf(loggingLoop{logger: own}))
	assert.Same(t, slog.Default(), protocol.LoggerOf(struct{ protocol.Loop }{}))
	assert.Same(t, slog.Default(), protocol.LoggerOf(nil))
}
