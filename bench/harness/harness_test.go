// Package harness is the runner of the benchmarks, in Python; here its tests are run.
package harness

import (
	"os/exec"
	"testing"
)

func TestHarness(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Python")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3: ", err)
	}
	c := exec.Command(python, "-B", "-m", "unittest", "discover", "-s", "harness")
	c.Dir = ".."
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
