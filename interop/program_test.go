package interop

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience is how long a program may take to say what is expected of it.
const patience = 30 * time.Second

// A program is a running process, ours or another's.
type program struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	ended chan struct{} // closed when it has exited

	mu    sync.Mutex
	said  bytes.Buffer  // standard output and error
	more  chan struct{} // replaced and closed when it says more
	heard int           // bytes of said that Expect has passed; the test's own
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
	p := &program{t: t, name: filepath.Base(name), cmd: exec.Command(name, args...), ended: make(chan struct{}), more: make(chan struct{})}
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
		if p.t.Failed() {
			p.t.Logf("%s said:\n%s", p.name, p.Said())
		}
	})
}

// Write takes what the program says.
func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said.Write(b)
	close(p.more)
	p.more = make(chan struct{})
	return len(b), nil
}

// Expect waits until the program has said text, after what was expected before.
func (p *program) Expect(text string) {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		found, more := p.hear(text)
		if found {
			return
		}
		select {
		case <-more:
		case <-p.ended: // it will say no more
			found, _ = p.hear(text)
			require.True(p.t, found, "%s ended without saying %q", p.name, text)
			return
		case <-deadline:
			require.FailNow(p.t, "not said", "%s did not say %q", p.name, text)
		}
	}
}

func (p *program) hear(text string) (found bool, more <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := strings.Index(p.said.String()[p.heard:], text)
	if i < 0 {
		return false, p.more
	}
	p.heard += i + len(text)
	return true, nil
}

// Line waits for a whole line that begins with prefix and returns the rest of it.
func (p *program) Line(prefix string) string {
	p.t.Helper()
	p.Expect(prefix)
	from := p.heard
	p.Expect("\n")
	return strings.TrimRight(p.Said()[from:p.heard-1], "\r")
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
	select {
	case <-p.ended:
	case <-time.After(patience):
		require.FailNow(p.t, "not ended", "%s still runs", p.name)
	}
	return p.cmd.ProcessState.ExitCode()
}

// Said returns all that the program has said.
func (p *program) Said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
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
