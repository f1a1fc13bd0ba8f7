package secure_test

import (
	"testing"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/reactortest"
)

// What holds for a connection holds over TLS, from the start or from its middle.
func TestConformance(t *testing.T) {
	reactortest.Test(t, column("tls", wrap), column("start", offer))
}

func column(name string, wrap func(f factory.Factory, client bool) factory.Factory) reactortest.Harness {
	h := reactortest.OverMemory()
	h.Name, h.Wrap, h.Late = name, wrap, name == "tls"
	return h
}
