// Package programtest has what the tests of the example programs start, talk to and stop
// them with.
package programtest

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Patience is how long anything may take: a busy machine is slow.
const Patience = time.Minute

// Path is where the program is, while Main runs.
var Path string

// Main is for TestMain: it builds the program of the folder that is tested, runs the tests,
// and ends the process.
func Main(m *testing.M) {
	folder, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	Path = filepath.Join(dir, filepath.Base(folder))
	if out, err := exec.Command("go", "build", "-o", Path, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// Command is the program with some arguments, not started.
func Command(args ...string) *exec.Cmd { return exec.Command(Path, args...) }

// Run runs a command to its end.
func Run(cmd *exec.Cmd) (stdout, stderr string, status int) {
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the status says how it went
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// A Program runs.
type Program struct {
	*exec.Cmd
	Addr string           // where it listens, if Serve has started it
	Out  *bufio.Reader    // its standard output
	Err  *strings.Builder // its standard error, complete when it has ended
}

// Start starts a command. A test that fails shows its standard error.
func Start(t testing.TB, cmd *exec.Cmd) *Program {
	t.Helper()
	p := &Program{Cmd: cmd, Err: new(strings.Builder)}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	p.Out, cmd.Stderr = bufio.NewReader(out), p.Err
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { // if the test has not ended it
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %s", cmd.Path, p.Err)
		}
	})
	return p
}

// Serve starts the program on two reactors, and reads where it listens.
func Serve(t testing.TB, args ...string) *Program {
	t.Helper()
	p := Start(t, Command(append([]string{"-reactors", "2"}, args...)...))
	p.Addr = p.Behind(t, "listening on ")
	return p
}

// Behind requires that the next line begins with some words, and returns what stands behind
// them.
func (p *Program) Behind(t testing.TB, words string) string {
	t.Helper()
	l, err := p.Out.ReadString('\n')
	require.NoError(t, err, p.Path)
	rest, ok := strings.CutPrefix(strings.TrimSpace(l), words)
	require.True(t, ok, l)
	return rest
}

// Signal sends the program a signal.
func (p *Program) Signal(t testing.TB, sig os.Signal) {
	t.Helper()
	require.NoError(t, p.Process.Signal(sig))
}

// Ends requires that the program ends with status 0, and returns what it said last.
func (p *Program) Ends(t testing.TB) string {
	t.Helper()
	rest, err := io.ReadAll(p.Out)
	require.NoError(t, err)
	assert.NoError(t, p.Wait(), "status 0")
	return string(rest)
}

// Stop ends the program by a signal.
func (p *Program) Stop(t testing.TB, sig os.Signal) string {
	t.Helper()
	p.Signal(t, sig)
	return p.Ends(t)
}

// Dial connects to where the program listens.
func (p *Program) Dial(t testing.TB) *Client {
	t.Helper()
	return Dial(t, "tcp", p.Addr)
}
