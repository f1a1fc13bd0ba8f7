package reactortest_test

import (
	"testing"

	"github.com/torsion-go/torsion/reactortest"
)

func TestConformance(t *testing.T) { reactortest.Test(t, reactortest.OverMemory()) }
