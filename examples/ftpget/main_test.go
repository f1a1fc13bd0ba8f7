package main_test

import (
	"bufio"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/secure"
)

const patience = 30 * time.Second // a busy machine is slow

var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ftpget")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "ftpget")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// A server has some files, and answers each verb as it was told to, or as it should. It
// hangs up behind a reply that ends in !.
type server struct {
	net.Listener
	t       *testing.T
	replies map[string]string

	mu    sync.Mutex
	files map[string]string
	said  []string
	port  net.Listener
	rest  int
	heard chan string // verbs
}

func listen(t *testing.T, replies map[string]string) *server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return listenOn(t, l, replies)
}

func listenOn(t *testing.T, l net.Listener, replies map[string]string) *server {
	t.Cleanup(func() { l.Close() })
	s := &server{Listener: l, t: t, replies: replies, files: map[string]string{"/a": "0123456789"}, heard: make(chan string, 1000)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.serve(c)
		}
	}()
	return s
}

func (s *server) serve(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	in := bufio.NewScanner(c)
	for line := "greeting"; ; line = in.Text() {
		s.mu.Lock()
		s.said = append(s.said, line)
		verb, arg, _ := strings.Cut(line, " ")
		reply, known := s.replies[line]
		if !known {
			reply, known = s.replies[verb]
		}
		if !known {
			reply = s.usual(c, verb, arg)
		}
		s.mu.Unlock()
		s.heard <- verb
		reply, end := strings.CutSuffix(reply, "!")
		if reply != "" {
			fmt.Fprint(c, reply, "\r\n")
		}
		if end || !in.Scan() {
			return
		}
	}
}

func (s *server) usual(c net.Conn, verb, arg string) string {
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
	cmd := exec.Command(program, append([]string{"-connect", addr}, args...)...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader("from stdin")
	cmd.Env = append(os.Environ(), "TORSION_PASSWORD=sesame")
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the status says how it went
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

const none = "-tls=none"

// Where a flag decides the program says which, of those that it has itself.
func TestHints(t *testing.T) {
	for name, c := range map[string]struct {
		replies map[string]string
		args    []string
		hint    string
	}{
		"no TLS":            {map[string]string{"AUTH": "502 what?"}, []string{"-tls", "explicit", "list"}, "-tls none "},
		"password in clear": {nil, []string{"-user", "ann", "list"}, "-insecure-auth "},
		"no handshake":      {nil, []string{"-tls", "implicit", "list"}, "-tls implicit is for "},
		"hangs up":          {map[string]string{"greeting": "!"}, []string{"list"}, "-tls implicit is for "},
	} {
		s := listen(t, c.replies)
		_, stderr, _ := run(t, t.TempDir(), s.Addr().String(), append([]string{none}, c.args...)...)
		assert.Contains(t, stderr, "\n"+c.hint, name)
	}
}

// What a server says is the status.
func TestStatus(t *testing.T) {
	for name, c := range map[string]struct {
		replies map[string]string
		args    []string
		status  int
	}{
		"fetched":            {nil, []string{"get", "/a"}, 0},
		"to stdout":          {nil, []string{"get", "/a", "-"}, 0},
		"nothing there":      {nil, []string{"get", "/b"}, 69},
		"not now":            {map[string]string{"RETR": "450 busy"}, []string{"get", "/a"}, 75},
		"lost":               {map[string]string{"RETR": "!"}, []string{"get", "/a"}, 75},
		"broken":             {map[string]string{"RETR": "426 broken"}, []string{"get", "/a"}, 75},
		"not the size":       {map[string]string{"SIZE": "213 11"}, []string{"get", "/a"}, 74},
		"not written":        {nil, []string{"get", "/a", "no/such/folder"}, 73},
		"over a folder":      {nil, []string{"get", "/a", "sub"}, 73},
		"no name for here":   {nil, []string{"get", "/a/.."}, 69},
		"no name for there":  {nil, []string{"get", "/a\nDELE b"}, 69},
		"stored":             {nil, []string{"put", "here"}, 0},
		"from stdin":         {nil, []string{"put", "-", "/b"}, 0},
		"no such file":       {nil, []string{"put", "nowhere"}, 66},
		"a folder":           {nil, []string{"put", "."}, 66},
		"no such folder":     {nil, []string{"upload", "nowhere", "/"}, 66},
		"refused":            {map[string]string{"STOR": "553 no"}, []string{"put", "here"}, 69},
		"full":               {map[string]string{"STOR": "452 full"}, []string{"put", "here"}, 75},
		"listed":             {nil, []string{"list"}, 0},
		"not listed":         {map[string]string{"MLSD": "550 no"}, []string{"list", "/x"}, 69},
		"mirrored, but evil": {nil, []string{"mirror", "/", "."}, 69},
		"uploaded":           {nil, []string{"upload", ".", "/"}, 0},
		"no FTP server":      {map[string]string{"greeting": "SSH-2.0-x"}, []string{"list"}, 76},
		"closed":             {map[string]string{"greeting": "421 later!"}, []string{"list"}, 75},
		"wrong password":     {map[string]string{"PASS": "530 no"}, []string{"list"}, 77},
		"password in clear":  {nil, []string{"-user", "ann", "list"}, 77},
		"no TLS":             {map[string]string{"AUTH": "502 what?"}, []string{"-tls", "explicit", "list"}, 69},
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := listen(t, c.replies), t.TempDir()
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
	s, dir := listen(t, nil), t.TempDir()
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
	assert.Equal(t, "QUIT", s.said[len(s.said)-1])
}

// A file comes into a folder by its own name, and nobody else's file is touched, whatever
// becomes of it.
func TestGetTouchesNothingElse(t *testing.T) {
	for status, replies := range map[int]map[string]string{0: nil, 75: {"RETR": "426 broken"}} {
		for _, resume := range []string{"-resume=false", "-resume"} {
			s, dir := listen(t, replies), t.TempDir()
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
	s, dir := listen(t, nil), t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	_, stderr, status := run(t, dir, s.Addr().String(), none, "get", "/a", "pipe")
	assert.Equal(t, 73, status, stderr)
	info, err := os.Lstat(pipe)
	require.NoError(t, err)
	assert.Equal(t, os.ModeNamedPipe, info.Mode().Type())
	assert.Empty(t, s.heard, "it is refused before anything is said")
}

// The password comes from where nobody sees it, and only over TLS with somebody who is
// trusted.
func TestPassword(t *testing.T) {
	cert, err := secure.SelfSigned("127.0.0.1")
	require.NoError(t, err)
	ca := filepath.Join(t.TempDir(), "ca")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Leaf.Raw}), 0o600))
	for _, trusted := range []bool{true, false} {
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
		require.NoError(t, err)
		s := listenOn(t, l, map[string]string{"RETR": "550 no"})
		args := []string{"-tls", "implicit", "-user", "ann"}
		if trusted {
			args = append(args, "-tls-ca", ca)
		}
		_, stderr, status := run(t, t.TempDir(), l.Addr().String(), append(args, "get", "/a")...)
		assert.Equal(t, 69, status, stderr)
		assert.Equal(t, !trusted, strings.Contains(stderr, "\n-tls-ca "), stderr)
		s.mu.Lock()
		assert.Equal(t, trusted, strings.Contains(strings.Join(s.said, "\n"), "PASS sesame"), s.said)
		s.mu.Unlock()
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
	s, dir := listen(t, map[string]string{"SIZE": ""}), t.TempDir()
	cmd := exec.Command(program, "-connect", s.Addr().String(), none, "get", "/a")
	cmd.Dir = dir
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() }) // if the test failed
	for verb := range s.heard {
		if verb == "SIZE" {
			break
		}
	}
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	_ = cmd.Wait() // the status says how it went
	assert.Equal(t, 75, cmd.ProcessState.ExitCode())
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, files)
}
