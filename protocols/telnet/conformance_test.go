package telnet_test

import (
	"testing"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocols/telnet"
	"github.com/torsion-go/torsion/reactortest"
)

// What holds for a connection holds over telnet, before its first file and afterwards.
func TestConformance(t *testing.T) {
	h := reactortest.OverMemory()
	h.Name = "telnet"
	h.Wrap = func(f factory.Factory, _ bool) factory.Factory { return telnet.Config{BareCR: true}.Wrap(f) }
	reactortest.Test(t, h)
}
