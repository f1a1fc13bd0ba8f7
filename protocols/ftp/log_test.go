package ftp

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
}

// A transfer that is cut says by what, and how much had come; one that was complete before
// its client went, that nobody has heard so.
func TestLogsCutTransfers(t *testing.T) {
	upload := `level=INFO msg="ftp: upload" peer=client user=eve path=/b bytes=5 duration=0s `
	for want, cut := range map[string]func(w *world){
		upload + `reply="426 The data connection has failed" err="recv: connection reset by peer"`: func(w *world) {
			d := w.storing()
			w.on(d.Abort)
		},
		upload + `err="the control connection has ended: recv: connection reset by peer"`: func(w *world) {
			w.storing()
			w.on(w.ctrl.Abort)
		},
		upload + `reply="226 Transfer complete" err="the control connection has ended: connection aborted"`: func(w *world) {
			d := w.storing()
			w.files.hook = map[string]func(){"commit": w.isCut}
			w.on(d.CloseWrite)
		},
		`level=INFO msg="ftp: upload" peer=client user=eve path=/b bytes=0 duration=0s reply="425 Cannot connect there" err=.*refused"`: func(w *world) {
			w.says("EPRT |1|192.0.2.9|2000|", "200 Ok")
			w.send("STOR b\r\n")
		},
	} {
		w := newWorld(t)
		w.logged()
		cut(w)
		assert.Regexp(t, "^"+want+"\n$", w.logged())
	}
}

// What sendfile has sent of a piece counts, though it is known only when that has ended.
func TestLogsCutPieces(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), make([]byte, 3*piece), 0o600))
	w := newWorld(t)
	w.logsIn(Account{Files: onDisk{w.files, dir}})
	w.logged()
	w.sips()
	w.send("ABOR\r\n")
	assert.Regexp(t, `^level=INFO msg="ftp: download" peer=client user=eve path=/a bytes=[1-9]\d+ duration=0s reply="426 Transfer aborted"\n$`, w.logged())
}

// What changes files is logged, with what has come of it.
func TestLogsChanges(t *testing.T) {
	w := newWorld(t)
	m := shelf(t, "/a")
	w.logsIn(Account{Files: m, Allow: ReadWrite})
	w.logged()
	for _, c := range []struct{ say, want string }{
		{"MKD d", `"ftp: mkdir" path=/d reply="257 \"/d\" was made"`},
		{"XMKD d", `"ftp: mkdir" path=/d reply="550 Exists already"`},
		{"XRMD d", `"ftp: rmdir" path=/d reply="250 Removed"`},
		{"RMD d", `"ftp: rmdir" path=/d reply="550 No such file or folder"`},
		{"RNFR b", `"ftp: rename" path=/b reply="550 No such file or folder"`},
		{"RNTO c", ""},
		{"RNFR a", ""},
		{"RNTO b", `"ftp: rename" path=/a to=/b reply="250 Renamed"`},
		{"SITE CHMOD 640 b", `"ftp: chmod" path=/b mode=640 reply="200 Ok"`},
		{"MFMT 20240506120000 b", `"ftp: touch" path=/b modified=2024-05-06T12:00:00.000Z reply="213 Modify=20240506120000; /b"`},
		{"DELE b", `"ftp: delete" path=/b reply="250 Removed"`},
		{"DELE b", `"ftp: delete" path=/b reply="550 No such file or folder"`},
		{"STOR d/b", `"ftp: upload" path=/d/b reply="425 PASV or PORT first"`},
		{"EPSV", ""},
		{"STOR d/b", `"ftp: upload" path=/d/b reply="550 No such file or folder"`},
		{"RETR b", `"ftp: download" path=/b reply="550 No such file or folder"`},
	} {
		w.send(c.say + "\r\n")
		assert.Equal(t, logLine(c.want), w.logged(), c.say)
	}
}

// logLine is a line at Info, without who it was; empty for none.
func logLine(s string) string {
	if s == "" {
		return ""
	}
	return "level=INFO msg=" + strings.Replace(s, " path=", " peer=client user=eve path=", 1) + "\n"
}

// What somebody may not do is logged, with the path where there is one.
func TestLogsWhatIsDenied(t *testing.T) {
	w := newWorld(t)
	w.logsIn(Account{Files: &Memory{}})
	w.logged()
	for say, want := range map[string]string{
		"MKD d": "mkdir", "XMKD d": "mkdir", "RMD d": "rmdir", "XRMD d": "rmdir", "DELE d": "delete", "RNFR d": "rename",
		"MFMT 20240506120000 d": "touch", "STOR d": "upload", "APPE d": "upload", "STOU d": "upload", "RNTO d": "",
	} {
		w.says(say, "550 Permission denied")
		if want != "" {
			want = logLine(`"ftp: ` + want + `" path=/d reply="550 Permission denied"`)
		}
		assert.Equal(t, want, w.logged(), say)
	}
	w.says("SITE CHMOD 0 d", "550 Permission denied")
	assert.Equal(t, logLine(`"ftp: chmod" path=/d mode=000 reply="550 Permission denied"`), w.logged())
	w.logsIn(Account{Files: &Memory{}, Allow: List})
	w.logged()
	w.says("RETR d", "550 Permission denied")
	assert.Equal(t, logLine(`"ftp: download" path=/d reply="550 Permission denied"`), w.logged())
}

// What was done is logged also where its client has gone meanwhile.
func TestLogsWhatNobodyHears(t *testing.T) {
	w := newWorld(t)
	w.passive()
	w.logsIn(Account{Files: &goneBy{Files: shelf(t, "/a"), leaves: w.isCut}, Allow: ReadWrite})
	w.logged()
	w.send("DELE a\r\n")
	assert.Equal(t, logLine(`"ftp: delete" path=/a reply="250 Removed" err="the control connection has ended: connection aborted"`), w.logged())
}

// A goneBy has something happen while it removes something.
type goneBy struct {
	Files
	leaves func()
}

func (g *goneBy) Remove(name string) error {
	g.leaves()
	return g.Files.Remove(name)
}

// Lists are not logged.
func TestLogsNoLists(t *testing.T) {
	w := newWorld(t)
	w.logsIn(Account{Files: &Memory{}})
	w.logged()
	w.dial(clientIP, w.passive())
	w.says("NLST", "150 Here comes the list", complete)
	w.says("NLST", "425 PASV or PORT first")
	w.passive()
	w.says("NLST a", "550 No such file or folder")
	w.passive()
	w.says("NLST", "150 Here comes the list")
	w.says("ABOR", "426 Transfer aborted", "226 Aborted")
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

// isCut ends the session while a worker works.
func (w *world) isCut() { w.Call(w.channel.s.Abort) }
