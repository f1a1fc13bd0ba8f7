package interop

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A program is a running process, ours or another's. What it says is its standard
// output and error.
type program struct {
	*speaker
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// start runs a command that the test's end kills.
func start(t *testing.T, name string, args ...string) *program {
	t.Helper()
	p := prepare(t, name, args...)
	p.start()
	return p
}

// prepare is start for those who have something to add to the command first.
func prepare(t *testing.T, name string, args ...string) *program {
	t.Helper()
	p := &program{speaker: listenTo(t, filepath.Base(name)), cmd: exec.Command(name, args...)}
	stdin, err := p.cmd.StdinPipe()
	require.NoError(t, err)
	p.stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, p, p
	return p
}

// start runs what was prepared.
func (p *program) start() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Start())
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	p.t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.ended
	})
}

// Say types a line.
func (p *program) Say(line string) {
	p.t.Helper()
	_, err := io.WriteString(p.stdin, line+"\n")
	require.NoError(p.t, err)
}

// Ends waits until the program has exited and returns its status.
func (p *program) Ends() int {
	p.t.Helper()
	p.wait()
	return p.cmd.ProcessState.ExitCode()
}

var built = map[string]string{} // our programs by name

// build builds one of our examples, once.
func build(t *testing.T, example string) string {
	t.Helper()
	if built[example] == "" {
		file := filepath.Join(bin, example)
		out, err := exec.Command("go", "-C", "..", "build", "-buildvcs=false", "-o", file, "./examples/"+example).CombinedOutput()
		require.NoError(t, err, "%s", out)
		built[example] = file
	}
	return built[example]
}

// serve starts one of our servers and returns it with the host and port on
// which it listens. The test's end stops it, which must be clean.
func serve(t *testing.T, example string, args ...string) (p *program, host, port string) {
	t.Helper()
	p = start(t, build(t, example), append([]string{"-listen", "127.0.0.1:0"}, args...)...)
	host, port, _ = strings.Cut(p.Line("listening on "), ":")
	t.Cleanup(func() {
		p.cmd.Process.Signal(syscall.SIGTERM)
		assert.Zero(t, p.Ends(), "status of %s after SIGTERM", example)
	})
	return p, host, port
}

// python is Debian's own, for which python3-twisted is installed.
const python = "/usr/bin/python3"

// need skips the test if a program is missing. In CI it fails: there it has
// been installed.
func need(t *testing.T, name string, args ...string) {
	t.Helper()
	_, err := exec.LookPath(name)
	if err == nil && len(args) > 0 {
		err = exec.Command(name, args...).Run()
	}
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		require.FailNow(t, "missing", "%s %v: %v; run interop/install", name, args, err)
	default:
		t.Skipf("NOT TESTED: %s %v is missing; run interop/install", name, args)
	}
}

func needTwisted(t *testing.T) {
	t.Helper()
	need(t, python, "-c", "import twisted")
}

var bin string // where our programs are built

func TestMain(m *testing.M) {
	var err error
	if bin, err = os.MkdirTemp("", "interop"); err != nil {
		panic(err)
	}
	status := m.Run()
	os.RemoveAll(bin)
	os.Exit(status)
}
