package ftp

import (
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// logged returns what was logged since the last time, but at Debug.
func (w *world) logged() string {
	s := atDebug.ReplaceAllString(w.logs.String(), "")
	w.logs.Reset()
	return somePort.ReplaceAllString(s, "peer=client ")
}

var atDebug = regexp.MustCompile(`(?m)^level=DEBUG.*\n`)

var somePort = regexp.MustCompile(`peer=192\.0\.2\.9:\d+ `)

// tries has the client say who it is, and waits for as long as one who is wrong.
func (w *world) tries(user, password string) string {
	w.send("USER " + user + "\r\n")
	w.take()
	w.send("PASS " + password + "\r\n")
	w.Advance(loginDelay)
	return w.take()
}

// Who logs in is logged, and what was then sent and received, with the reply.
func TestLogsTransfers(t *testing.T) {
	w := newWorld(t)
	assert.Equal(t, `level=INFO msg="ftp: login" peer=client user=eve tls=false`+"\n", w.logged())
	w.files.put("/a", "hello")
	w.dial(clientIP, w.passive())
	w.says("RETR a", opened, complete)
	assert.Equal(t, `level=INFO msg="ftp: download" peer=client user=eve path=/a bytes=5 duration=0s reply="226 Transfer complete"`+"\n", w.logged())
	d := w.storing()
	w.Advance(time.Second)
	w.on(d.CloseWrite)
	w.hears(complete + "\r\n")
	assert.Equal(t, `level=INFO msg="ftp: upload" peer=client user=eve path=/b bytes=5 duration=1s reply="226 Transfer complete"`+"\n", w.logged())
	w.passive()
	w.says("RETR a", opened)
	w.says("ABOR", "426 Transfer aborted", "226 Aborted")
	assert.Equal(t, `level=INFO msg="ftp: download" peer=client user=eve path=/a bytes=0 duration=0s reply="426 Transfer aborted"`+"\n", w.logged())
	w.storing()
	w.on(w.ctrl.Abort)
	assert.Equal(t, `level=INFO msg="ftp: upload" peer=client user=eve path=/b bytes=5 duration=0s reply=""`+"\n", w.logged())
}

// Lists are not, nor what was never begun.
func TestLogsNoLists(t *testing.T) {
	w := newWorld(t)
	w.logsIn(Account{Files: &Memory{}})
	w.logged()
	w.dial(clientIP, w.passive())
	w.says("NLST", "150 Here comes the list", complete)
	w.dial(clientIP, w.passive())
	w.says("RETR a", "550 No such file or folder")
	assert.Empty(t, w.logged())
}

// What a client says is logged short, and without anything that could be taken for more.
func TestLogsWhatCanBeRead(t *testing.T) {
	w := newWorld(t)
	w.logged()
	w.tries("a\u202e\u0085b"+strings.Repeat("x", 1000), "x")
	assert.Regexp(t, `^level=WARN msg="ftp: login failed" peer=client user=a\?\?bx{249}... err="nobody is to read this"`+"\n$", w.logged())
}

// An account that cannot be used is somebody's mistake, who finds it in the log, and his
// user finds out when he logs in.
func TestLogsUnusableAccounts(t *testing.T) {
	for want, a := range map[string]*Account{
		`err="ftp: the Backend has returned neither an Account nor an error"`:                         nil,
		`err="ftp: the Account has no Files"`:                                                         {},
		`err="ftp: no session can begin in \"/nosuch\": stat /nosuch: file does not exist"`:           {Files: &Memory{}, Home: "nosuch"},
		`err="ftp: no session can begin in \"/\": stat /: the Root's Dir: no such file or directory"`: {Files: &Root{Dir: filepath.Join(t.TempDir(), "none")}},
		`err="ftp: no session can begin in \"/\": stat /: ftp: a Root needs a Dir"`:                   {Files: &Root{}},
		`err="ftp: no session can begin in \"/a\": ftp: not a folder"`:                                {Files: aFile{}, Home: "/a"},
	} {
		w := newWorld(t)
		w.logged()
		w.login = func() (*Account, error) { return a, nil }
		assert.Equal(t, "530 Login incorrect\r\n", w.tries("eve", "sesame"))
		assert.Equal(t, `level=ERROR msg="ftp: the account cannot be used" peer=client user=eve `+want+"\n", w.logged())
	}
}

type aFile struct{ Files }

func (aFile) Stat(string) (fs.FileInfo, error) { return fakeInfo{}, nil }

// Files that tell nobody what is there may still take some.
func TestSecretiveFiles(t *testing.T) {
	for _, err := range []error{fs.ErrPermission, errors.ErrUnsupported} {
		w := newWorld(t)
		w.login = func() (*Account, error) { return &Account{Files: secretive{err: err}}, nil }
		w.says("USER eve", "331 Password required")
		w.says("PASS sesame", "230 Logged in")
	}
}

type secretive struct {
	Files
	err error
}

func (s secretive) Stat(string) (fs.FileInfo, error) { return nil, s.err }
