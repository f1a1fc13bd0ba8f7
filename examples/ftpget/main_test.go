package main_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m) }

// A server has some files, and answers as it was told to, or as it should.
type server struct {
	*programtest.Script
	t *testing.T

	mu    sync.Mutex
	files map[string]string
	port  net.Listener
	rest  int
}

func play(t *testing.T, l net.Listener, replies programtest.Replies) *server {
	s := &server{t: t, files: map[string]string{"/a": "0123456789"}}
	s.Script = programtest.Play(l, func(c net.Conn, line string) string {
		if r, ok := replies.To(line); ok {
			return r
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.usual(c, line)
	})
	return s
}

func (s *server) usual(c net.Conn, line string) string {
	verb, arg, _ := strings.Cut(line, " ")
	text, there := s.files[arg]
	switch verb {
	case "greeting":
		return "220 ready"
	case "USER":
		return "331 password?"
	case "PASS":
		return "230 welcome"
	case "FEAT":
		return "211-a\r\n SIZE\r\n MLST\r\n REST\r\n211 b"
	case "EPSV":
		s.port, _ = net.Listen("tcp", "127.0.0.1:0")
		return fmt.Sprintf("229 (|||%d|)", s.port.Addr().(*net.TCPAddr).Port)
	case "REST":
		s.rest, _ = strconv.Atoi(arg)
		return "350 then"
	case "RNFR":
		s.files["renamed"] = text
		return "350 to?"
	case "RNTO":
		s.files[arg] = s.files["renamed"]
		return "250 ok"
	case "STOR":
		d := s.data(c)
		defer d.Close()
		b, _ := io.ReadAll(d)
		s.files[arg] = text[:s.rest] + string(b)
		s.rest = 0
		return "226 ok"
	case "MLSD":
		d := s.data(c)
		defer d.Close()
		fmt.Fprint(d, s.list(), "type=file; ../evil\r\n")
		return "226 ok"
	case "SIZE", "RETR":
		if !there {
			return "550 nothing there"
		} else if verb == "SIZE" {
			return fmt.Sprint("213 ", len(text))
		}
		d := s.data(c)
		defer d.Close()
		_, _ = io.WriteString(d, text[s.rest:])
		s.rest = 0
		return "226 ok"
	}
	return "200 ok"
}

func (s *server) list() string {
	var b strings.Builder
	for name, text := range s.files {
		fmt.Fprintf(&b, "type=file;size=%d;modify=20240506120000; %s\r\n", len(text), strings.TrimPrefix(name, "/"))
	}
	return b.String()
}

func (s *server) data(c net.Conn) net.Conn {
	fmt.Fprint(c, "150 now\r\n")
	d, err := s.port.Accept()
	assert.NoError(s.t, err)
	s.port.Close()
	return d
}

// run runs the program in a folder, and returns what it says and its exit status.
func run(t *testing.T, dir, addr string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := programtest.Command(append([]string{"-connect", addr}, args...)...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader("from stdin")
	cmd.Env = append(os.Environ(), "TORSION_PASSWORD=sesame")
	return programtest.Run(cmd)
}

const none = "-tls=none"

// Where a flag decides the program says which, of those that it has itself.
func TestHints(t *testing.T) {
	for name, c := range map[string]struct {
		replies programtest.Replies
		args    []string
		hint    string
	}{
		"no TLS":            {programtest.Replies{"AUTH": "502 what?"}, []string{"-tls", "explicit", "list"}, "-tls none "},
		"password in clear": {nil, []string{"-user", "ann", "list"}, "-insecure-auth "},
		"no handshake":      {nil, []string{"-tls", "implicit", "list"}, "-tls implicit is for "},
		"hangs up":          {programtest.Replies{"greeting": "!"}, []string{"list"}, "-tls implicit is for "},
	} {
		s := play(t, programtest.Listen(t), c.replies)
		_, stderr, _ := run(t, t.TempDir(), s.Addr().String(), append([]string{none}, c.args...)...)
		assert.Contains(t, stderr, "\n"+c.hint, name)
	}
}

// What a server says is the status.
func TestStatus(t *testing.T) {
	for name, c := range map[string]struct {
		replies programtest.Replies
		args    []string
		status  int
	}{
		"fetched":            {nil, []string{"get", "/a"}, 0},
		"to stdout":          {nil, []string{"get", "/a", "-"}, 0},
		"nothing there":      {nil, []string{"get", "/b"}, 69},
		"not now":            {programtest.Replies{"RETR": "450 busy"}, []string{"get", "/a"}, 75},
		"lost":               {programtest.Replies{"RETR": "!"}, []string{"get", "/a"}, 75},
		"broken":             {programtest.Replies{"RETR": "426 broken"}, []string{"get", "/a"}, 75},
		"not the size":       {programtest.Replies{"SIZE": "213 11"}, []string{"get", "/a"}, 74},
		"not written":        {nil, []string{"get", "/a", "no/such/folder"}, 73},
		"over a folder":      {nil, []string{"get", "/a", "sub"}, 73},
		"no name for here":   {nil, []string{"get", "/a/.."}, 69},
		"no name for there":  {nil, []string{"get", "/a\nDELE b"}, 69},
		"stored":             {nil, []string{"put", "here"}, 0},
		"from stdin":         {nil, []string{"put", "-", "/b"}, 0},
		"no such file":       {nil, []string{"put", "nowhere"}, 66},
		"a folder":           {nil, []string{"put", "."}, 66},
		"no such folder":     {nil, []string{"upload", "nowhere", "/"}, 66},
		"refused":            {programtest.Replies{"STOR": "553 no"}, []string{"put", "here"}, 69},
		"full":               {programtest.Replies{"STOR": "452 full"}, []string{"put", "here"}, 75},
		"listed":             {nil, []string{"list"}, 0},
		"not listed":         {programtest.Replies{"MLSD": "550 no"}, []string{"list", "/x"}, 69},
		"mirrored, but evil": {nil, []string{"mirror", "/", "."}, 69},
		"uploaded":           {nil, []string{"upload", ".", "/"}, 0},
		"no FTP server":      {programtest.Replies{"greeting": "SSH-2.0-x"}, []string{"list"}, 76},
		"closed":             {programtest.Replies{"greeting": "421 later!"}, []string{"list"}, 75},
		"wrong password":     {programtest.Replies{"PASS": "530 no"}, []string{"list"}, 77},
		"password in clear":  {nil, []string{"-user", "ann", "list"}, 77},
		"no TLS":             {programtest.Replies{"AUTH": "502 what?"}, []string{"-tls", "explicit", "list"}, 69},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := play(t, programtest.Listen(t), c.replies), t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "here"), []byte("what is here"), 0o600))
			require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub", "a"), 0o700))
			out, stderr, status := run(t, dir, s.Addr().String(), append([]string{none}, c.args...)...)
			assert.Equal(t, c.status, status, stderr)
			assert.Equal(t, c.status == 0, stderr == "" || name == "listed", stderr)
			assert.NotContains(t, stderr, "\r", "there is no terminal")
			if c.status != 0 {
				_, err := os.Stat(filepath.Join(dir, "a"))
				assert.Equal(t, strings.Contains(name, "mirrored"), err == nil)
			}
			if name == "to stdout" {
				assert.Equal(t, "0123456789", out)
			}
		})
	}
}

// Files arrive, and go on where they were broken off.
func TestFiles(t *testing.T) {
	s, dir := play(t, programtest.Listen(t), nil), t.TempDir()
	do := func(args ...string) string {
		out, stderr, status := run(t, dir, s.Addr().String(), append([]string{none, "-resume"}, args...)...)
		require.Zero(t, status, stderr)
		return out
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b.ftpget"), []byte("XXXX"), 0o600))
	do("get", "/a", "b")
	b, err := os.ReadFile(filepath.Join(dir, "b"))
	require.NoError(t, err)
	assert.Equal(t, "XXXX456789", string(b))
	s.mu.Lock()
	s.files["/c"] = "YY"
	s.mu.Unlock()
	do("put", "b", "/c")
	do("put", "b", "/d")
	do("put", "-", "/e")
	assert.Contains(t, do("list", "/"), "file             10 2024-05-06 12:00:00 d\n")
	s.mu.Lock()
	defer s.mu.Unlock()
	assert.Equal(t, []string{"YYXX456789", "XXXX456789", "from stdin"}, []string{s.files["/c"], s.files["/d"], s.files["/e"]})
	assert.True(t, strings.HasSuffix(s.All(), "\nQUIT\n"))
}

// A file comes into a folder by its own name, and nobody else's file is touched, whatever
// becomes of it.
func TestGetTouchesNothingElse(t *testing.T) {
	for status, replies := range map[int]programtest.Replies{0: nil, 75: {"RETR": "426 broken"}} {
		for _, resume := range []string{"-resume=false", "-resume"} {
			s, dir := play(t, programtest.Listen(t), replies), t.TempDir()
			mine := []string{"sub/a.part", "sub.part"}
			require.NoError(t, os.Mkdir(filepath.Join(dir, "sub"), 0o700))
			for _, name := range mine {
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600))
			}
			_, stderr, got := run(t, dir, s.Addr().String(), none, resume, "get", "/a", "sub")
			assert.Equal(t, status, got, stderr)
			for _, name := range mine {
				b, err := os.ReadFile(filepath.Join(dir, name))
				assert.NoError(t, err)
				assert.Equal(t, "mine", string(b))
			}
			b, err := os.ReadFile(filepath.Join(dir, "sub", "a"))
			assert.Equal(t, status == 0, err == nil)
			assert.Equal(t, map[bool]string{true: "0123456789"}[status == 0], string(b))
			all, err := os.ReadDir(filepath.Join(dir, "sub"))
			require.NoError(t, err)
			assert.Len(t, all, map[bool]int{true: 2, false: 1}[status == 0 || resume == "-resume"])
		}
	}
}

// What is no file, such as a pipe or a device, is not replaced by one.
func TestGetReplacesOnlyFiles(t *testing.T) {
	s, dir := play(t, programtest.Listen(t), nil), t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	_, stderr, status := run(t, dir, s.Addr().String(), none, "get", "/a", "pipe")
	assert.Equal(t, 73, status, stderr)
	info, err := os.Lstat(pipe)
	require.NoError(t, err)
	assert.Equal(t, os.ModeNamedPipe, info.Mode().Type())
	assert.Empty(t, s.All(), "it is refused before anything is said")
}

// The password comes from where nobody sees it, and only over TLS with somebody who is
// trusted.
func TestPassword(t *testing.T) {
	for _, trusted := range []bool{true, false} {
		l, ca := programtest.ListenTLS(t)
		s := play(t, l, programtest.Replies{"RETR": "550 no"})
		args := []string{"-tls", "implicit", "-user", "ann"}
		if trusted {
			args = append(args, "-tls-ca", ca)
		}
		_, stderr, status := run(t, t.TempDir(), l.Addr().String(), append(args, "get", "/a")...)
		assert.Equal(t, 69, status, stderr)
		assert.Equal(t, !trusted, strings.Contains(stderr, "\n-tls-ca "), stderr)
		heard := s.All()
		assert.Equal(t, trusted, strings.Contains(heard, "PASS sesame"), heard)
	}
}

// Arguments that make no sense are said to.
func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{}, {"what"}, {"get"}, {"get", "a", "b", "c"}, {"put", "-"}, {"mirror", "a"}, {"-tls", "perhaps", "list"},
		{"-tls-ca", "/dev/null", "list"}, {"-user", "ann", "-password", "", "list"}, {"-what"},
		{"-connect", "127.0.0.1", "list"},
	} {
		_, stderr, status := run(t, t.TempDir(), "127.0.0.1:1", args...)
		assert.Equal(t, 64, status, args)
		assert.NotEmpty(t, stderr)
	}
	_, stderr, status := run(t, t.TempDir(), "127.0.0.1:1", "-h")
	assert.Zero(t, status)
	assert.Contains(t, stderr, "REMOTE [LOCAL]")
}

// A signal breaks a transfer off, and nothing is there under its name.
func TestSignal(t *testing.T) {
	s, dir := play(t, programtest.Listen(t), programtest.Replies{"SIZE": ""}), t.TempDir()
	cmd := programtest.Command("-connect", s.Addr().String(), none, "get", "/a")
	cmd.Dir = dir
	p := programtest.Start(t, cmd)
	s.Await(t, "SIZE")
	p.Signal(t, syscall.SIGTERM)
	_ = p.Wait() // the status says how it went
	assert.Equal(t, 75, p.ProcessState.ExitCode())
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, files)
}
