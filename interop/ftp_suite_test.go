package interop

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What pyftpdlib's own functional tests say of examples/ftp is as expected: those in
// testdata/pyftpdlib_differs.txt do not pass, in clear and with TLS, and all others do.
func TestPyftpdlibSuite(t *testing.T) {
	checkout := needSuite(t)
	differs := reasons(t, "testdata/pyftpdlib_differs.txt")
	var notRun []string
	for name := range differs {
		if class, all := strings.CutSuffix(name, ".*"); all {
			notRun = append(notRun, class)
		}
	}
	verdicts := runSuite(t, checkout, notRun)
	passed, failed := 0, 0
	for name, lines := range verdicts {
		why, expected := differs[name]
		for _, line := range lines {
			switch verdict, said, _ := strings.Cut(line, " "); {
			case verdict == "ok":
				passed++
				assert.False(t, expected, "%s passes, which was not expected since it %s", name, why)
			case verdict == "FAIL":
				failed++
				assert.True(t, expected, "%s: %s", name, said)
			}
		}
	}
	for name := range differs {
		assert.True(t, strings.HasSuffix(name, ".*") || len(verdicts[name]) > 0, "%s is not among the tests", name)
	}
	t.Logf("%d passed, %d did not, as expected", passed, failed)
	assert.Greater(t, passed, 50)
}

// needSuite returns where pyftpdlib's source is. It is not Debian's, of which CI has its
// programs, so the test is skipped there as elsewhere.
func needSuite(t *testing.T) string {
	t.Helper()
	needPyftpdlib(t)
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	dir := filepath.Join(cache, "torsion-interop", "pyftpdlib")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("NOT TESTED: pyftpdlib's tests are missing; run interop/install suites")
	}
	need(t, python, "-c", "import psutil, asyncore, OpenSSL")
	want, err := os.ReadFile("testdata/pyftpdlib_commit")
	require.NoError(t, err)
	head, err := exec.Command("git", "-C", dir, "rev-parse", "HEAD").Output()
	require.NoError(t, err)
	require.Equal(t, string(want), string(head))
	changed, err := exec.Command("git", "-C", dir, "status", "--porcelain", "--untracked-files=no").Output()
	require.NoError(t, err)
	require.Empty(t, string(changed))
	return dir
}

// reasons reads a file of names and reasons.
func reasons(t *testing.T, file string) map[string]string {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	all := make(map[string]string)
	for s := bufio.NewScanner(f); s.Scan(); {
		name, why, _ := strings.Cut(s.Text(), " ")
		if name == "" || name == "#" {
			continue
		}
		require.NotEmpty(t, why, name)
		require.NotContains(t, all, name)
		all[name] = why
	}
	return all
}

// runSuite returns what is said of each test, where it was run.
func runSuite(t *testing.T, checkout string, notRun []string) map[string][]string {
	t.Helper()
	id := identify(t, "127.0.0.1")
	script, err := filepath.Abs("testdata/pyftpdlib_suite.py")
	require.NoError(t, err)
	p := prepare(t, python, "-B", "-W", "ignore", script, checkout, strings.Join(notRun, ","),
		build(t, "ftp"), "-anonymous", "-host", "0", "-tls-cert", id.certFile, "-tls-key", id.keyFile)
	p.patience *= 10
	p.cmd.Dir = t.TempDir() // which is what is served
	p.cmd.Stderr = nil
	p.start()
	require.Zero(t, p.Ends())
	verdicts := make(map[string][]string)
	for line := range strings.Lines(p.Said()) {
		verdict, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, said, _ := strings.Cut(rest, " ")
		verdicts[name] = append(verdicts[name], verdict+" "+said)
	}
	return verdicts
}
