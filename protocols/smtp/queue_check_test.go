package smtp_test

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocols/smtp"
	"github.com/torsion-go/torsion/reactortest"
)

// What a Queue lacks is said when it starts.
func TestQueueSaysWhatItLacks(t *testing.T) {
	n := reactortest.NewMemory(reactortest.Config{})
	assert.EqualError(t, (&smtp.Queue{Resolver: net.DefaultResolver}).Start(n), "smtp: a Queue needs a Dir")
	q := &smtp.Queue{Resolver: net.DefaultResolver, Dir: filepath.Join(t.TempDir(), "queue")}
	assert.PanicsWithValue(t, "smtp: Queue.Start needs a Network, a reactor for example, and was given nil", func() { _ = q.Start(nil) })
	const nothing = "smtp: Deliver needs an Envelope and a message, and one is nil"
	assert.PanicsWithValue(t, nothing, func() { _ = q.Deliver(nil, strings.NewReader("text")) })
	assert.PanicsWithValue(t, nothing, func() { _ = q.Deliver(to("bob@our.test"), nil) })
	assert.NoDirExists(t, q.Dir)
}
