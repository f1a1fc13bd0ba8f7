package interop

import (
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A harbour is a file server of somebody else's.
type harbour struct {
	name   string
	need   func(t *testing.T)
	open   func(q *quay)
	tls    string // as in a fileOrder
	user   string // whose password is sesame
	facts  bool   // it has MLSD
	cannot string // names of voyages that are not possible there
}

// cannotDo reports whether there is no way to do it.
func (h harbour) cannotDo(what string) bool {
	return slices.Contains(strings.Split(h.cannot, ", "), what)
}

const noTrust = "not trusted" // where there is no certificate

var harbours = []harbour{
	{name: "pyftpdlib", need: needPyftpdlib, open: (*quay).pyftpdlib, user: "eve", facts: true, cannot: noTrust},
	{name: "pyftpdlib explicit", need: needPyftpdlib, open: (*quay).pyftpdlib, tls: "explicit", user: "eve", facts: true},
	{name: "pyftpdlib implicit", need: needPyftpdlib, open: (*quay).pyftpdlib, tls: "implicit", user: "eve", facts: true},
	{name: "vsftpd", need: needs(vsftpd), open: (*quay).vsftpd, user: "ftp", cannot: noTrust + ", set time"},
	{name: "vsftpd explicit", need: needs(vsftpd), open: (*quay).vsftpd, tls: "explicit", user: "ftp", cannot: "set time"},
	{name: "vsftpd implicit", need: needs(vsftpd), open: (*quay).vsftpd, tls: "implicit", user: "ftp", cannot: "set time"},
	{name: "proftpd", need: needProftpd, open: (*quay).proftpd, user: "eve", facts: true, cannot: noTrust},
	{name: "proftpd explicit", need: needProftpd, open: (*quay).proftpd, tls: "explicit", user: "eve", facts: true},
	{name: "proftpd implicit", need: needProftpd, open: (*quay).proftpd, tls: "implicit", user: "eve", facts: true},
}

// Where "install" puts them.
const (
	vsftpd  = "/usr/local/sbin/vsftpd"
	proftpd = "/usr/local/sbin/proftpd"
)

func needPyftpdlib(t *testing.T) {
	t.Helper()
	need(t, python, "-c", "import pyftpdlib.handlers; pyftpdlib.handlers.TLS_FTPHandler")
}

func needProftpd(t *testing.T) {
	t.Helper()
	need(t, proftpd, "-v")
	need(t, "test", "-e", "/usr/local/lib/proftpd/mod_tls.so")
}

// A quay is where one is in a harbour.
type quay struct {
	*testing.T
	harbour
	dir  string // where a login leads to
	run  string // for files that the server needs
	id   identity
	addr string
	kill func() // leaves the server no time for anything
}

func moor(t *testing.T, h harbour) *quay {
	t.Helper()
	q := &quay{T: t, harbour: h, dir: openDir(t), run: openDir(t), id: identify(t, "127.0.0.1")}
	h.open(q)
	return q
}

func (q *quay) pyftpdlib() {
	args := []string{"testdata/pyftpdlib_server.py", q.dir}
	if q.tls != "" {
		args = append(args, q.id.certFile, q.id.keyFile)
	}
	if q.tls == "implicit" {
		args = append(args, q.tls)
	}
	p := start(q.T, python, args...)
	q.addr = "127.0.0.1:" + p.Line("port ")
	q.kill = func() {
		assert.NoError(q, p.cmd.Process.Kill())
		<-p.ended
	}
}

func (q *quay) vsftpd() {
	q.write("passwords", "sesame\n")
	q.inetd(vsftpd, q.fill("vsftpd.conf", map[string]string{"tls": yesNo(q.tls != "", "YES", "NO"), "implicit": yesNo(q.tls == "implicit", "YES", "NO")}))
}

func (q *quay) proftpd() {
	hash, err := exec.Command("openssl", "passwd", "-6", "sesame").Output()
	require.NoError(q, err)
	uid, gid := strconv.Itoa(os.Getuid()), strconv.Itoa(os.Getgid())
	q.write("users", strings.Join([]string{q.user, strings.TrimSpace(string(hash)), uid, gid, "", q.dir, "/bin/sh"}, ":")+"\n")
	q.write("groups", "crew:x:"+gid+":"+q.user+"\n")
	group, err := user.LookupGroupId(gid)
	require.NoError(q, err)
	q.inetd(proftpd, "-n", "-c", q.fill("proftpd.conf", map[string]string{"group": group.Name, "tls": yesNo(q.tls != "", "on", "off"),
		"options": yesNo(q.tls == "implicit", "UseImplicitSSL", "AllowClientRenegotiations")}))
}

func yesNo(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

// write makes a file that only we may read, and returns its name.
func (q *quay) write(name, text string) string {
	q.Helper()
	file := filepath.Join(q.run, name)
	require.NoError(q, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// fill makes a file of one that has blanks.
func (q *quay) fill(name string, with map[string]string) string {
	q.Helper()
	form, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(q, err)
	me, err := user.Current()
	require.NoError(q, err)
	with["dir"], with["run"], with["me"], with["cert"], with["key"] = q.dir, q.run, me.Username, q.id.certFile, q.id.keyFile
	return q.write(name, os.Expand(string(form), func(blank string) string { return with[blank] }))
}

// inetd runs a program for each connection, as inetd(8) does. Where there is such a
// server for a program, it needs no port of its own and no right.
func (q *quay) inetd(name string, args ...string) {
	q.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(q, err)
	q.addr = l.Addr().String()
	said := listenTo(q.T, filepath.Base(name))
	var mu sync.Mutex
	var running []*exec.Cmd
	serve := func(c *net.TCPConn) {
		defer c.Close()
		f, err := c.File()
		if !assert.NoError(q, err) {
			return
		}
		defer f.Close()
		cmd := exec.Command(name, args...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = f, f, said
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if assert.NoError(q, cmd.Start()) {
			mu.Lock()
			running = append(running, cmd)
			mu.Unlock()
		}
	}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c.(*net.TCPConn))
		}
	})
	q.kill = func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, cmd := range running {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended
		}
	}
	q.Cleanup(func() {
		q.kill()
		accepting.Wait()
		for _, cmd := range running {
			_ = cmd.Wait() // killed or not
		}
	})
}
