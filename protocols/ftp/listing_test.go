package ftp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// stockedWorld is one with files in memory.
func stockedWorld(t *testing.T, names ...string) *world {
	return newWorld(t).with(shelf(t, names...))
}

// with has the client log in again, with these files.
func (w *world) with(f Files) *world {
	w.account = &Account{Files: f, Allow: ReadWrite}
	w.says("REIN", "220 Torsion FTP")
	w.says("USER eve", "331 Password required")
	w.says("PASS sesame", "230 Logged in")
	w.says("TYPE I", "200 Ok")
	return w
}

// lists sends a command and returns what comes over the data connection.
func (w *world) lists(command string) string {
	w.Helper()
	d := w.dial(clientIP, w.passive())
	w.says(command, "150 Here comes the list", complete)
	return d.heard.String()
}

// What lists show, of a folder, a file, and what a pattern fits.
func TestLists(t *testing.T) {
	w := stockedWorld(t, "/a.txt", "/b.txt", "/c", "/d/", "/d/e.txt", "/d/.f")
	assert.Equal(t, "a.txt\r\nb.txt\r\nc\r\nd\r\n", w.lists("NLST"))
	assert.Equal(t, "a.txt\r\nb.txt\r\n", w.lists("NLST *.txt"))
	assert.Equal(t, "d/e.txt\r\n", w.lists("NLST d/*"))
	assert.Equal(t, ".f\r\ne.txt\r\n", w.lists("NLST d"))
	assert.Equal(t, "/d/e.txt\r\n", w.lists("NLST /d/e.txt"))
	assert.Regexp(t, `^-rw-r--r--   1 ftp      ftp                 0 .* a.txt\r\n-rw`, w.lists("LIST -la"))
	assert.Regexp(t, `^drwx`, w.lists("LIST d*"))
	assert.Regexp(t, `^-rw.* e.txt\r\n$`, w.lists("NLST -l d/e.txt"))
	assert.Regexp(t, `^type=file;size=0;modify=\d{14};perm=.* a.txt\r\n`, w.lists("MLSD"))
	w.says("OPTS MLST size;type;", "200 MLST OPTS type;size;")
	assert.Regexp(t, `^type=file;size=0; a.txt\r\n`, w.lists("MLSD /"))
	w.says("MLST c", "250-Facts:", " type=file;size=0; /c", "250 End")
	w.says("MLST x", "550 No such file or folder")
	w.passive()
	w.says("LIST x", "550 No such file or folder")
	w.says("NLST *.x/y", "550 No such file or folder")
	w.says("MLSD c", "501 Not a folder")
	w.send("STAT d\r\n")
	assert.Regexp(t, "^212-Status:\r\n -rw.* .f\r\n -rw.* e.txt\r\n212 End\r\n$", w.take())
}

// A large folder is sent as it is read; for a reply there is too much.
func TestLargeList(t *testing.T) {
	var names []string
	for i := range 5000 {
		names = append(names, fmt.Sprintf("/%04d-%s", i, strings.Repeat("x", 50)))
	}
	w := stockedWorld(t, names...)
	var want strings.Builder
	for _, n := range names {
		want.WriteString(n[1:] + "\r\n")
	}
	assert.True(t, want.String() == w.lists("NLST"))
	w.says("STAT .", "451 Too much for a reply: LIST")
}

// Files and folders are made, moved and removed.
func TestFolders(t *testing.T) {
	w := stockedWorld(t, "/a")
	for _, turn := range [][2]string{
		{"MKD d", `257 "/d" was made`}, {"MKD d", "550 Exists already"}, {"CWD d", "250 Ok"}, {"PWD", `257 "/d" is the current folder`},
		{`XMKD say "x"`, `257 "/d/say ""x""" was made`}, {"CWD ../a", "550 Not a folder"}, {"CWD x", "550 No such file or folder"},
		{"CDUP", "250 Ok"}, {"CWD ../../..", "250 Ok"}, {"PWD", `257 "/" is the current folder`},
		{"RMD d", "550 Folder is not empty"}, {`XRMD d/say "x"`, "250 Removed"}, {"RMD d", "250 Removed"}, {"RMD a", "550 Not a folder"},
		{"RNFR b", "550 No such file or folder"}, {"RNTO c", "503 RNFR first"}, {"RNFR a", "350 To what?"}, {"NOOP", "200 Ok"}, {"RNTO b", "503 RNFR first"},
		{"RNFR a", "350 To what?"}, {"RNTO b", "250 Renamed"}, {"SIZE b", "213 0"}, {"MFMT 20200102030405 b", "213 Modify=20200102030405; /b"},
		{"MDTM b", "213 20200102030405"}, {"MFMT 2020 b", "501 Syntax: MFMT YYYYMMDDHHMMSS name"}, {"SITE CHMOD 600 b", "200 Ok"},
		{"DELE b", "250 Removed"}, {"DELE b", "550 No such file or folder"}, {"SIZE /", "550 Not a regular file"}, {"RMD /", "550 Permission denied"},
	} {
		w.says(turn[0], turn[1])
	}
}

// What an account may not do is refused, and does not use the connection up.
func TestPermissions(t *testing.T) {
	w := stockedWorld(t, "/a", "/d/")
	w.account = &Account{Files: w.account.Files}
	w.says("REIN", "220 Torsion FTP")
	w.says("USER eve", "331 Password required")
	w.says("PASS sesame", "230 Logged in")
	w.says("TYPE I", "200 Ok")
	w.dial(clientIP, w.passive())
	for _, command := range []string{"STOR b", "STOU", "APPE a", "DELE a", "RMD d", "MKD e", "RNFR a", "MFMT 20200102030405 a", "SITE CHMOD 600 a"} {
		w.says(command, "550 Permission denied")
	}
	w.says("RETR a", "150 Opening data connection for 0 bytes", complete)
}

// Uploads appear whole, and beside what is there where that may not be replaced.
func TestUploads(t *testing.T) {
	w := stockedWorld(t, "/a")
	put := func(command, text string) string {
		d := w.dial(clientIP, w.passive())
		w.send(command + "\r\n")
		w.on(func() { d.Write([]byte(text)); d.CloseWrite() })
		return w.take()
	}
	get := func(name string) string {
		d := w.dial(clientIP, w.passive())
		w.send("RETR " + name + "\r\n")
		w.take()
		return d.heard.String()
	}
	assert.Equal(t, "150 Send it\r\n226 Transfer complete\r\n", put("STOR a", "hello"))
	assert.Equal(t, "hello", get("a"))
	put("APPE a", " there")
	assert.Equal(t, "hello there", get("a"))
	w.says("REST 6", "350 The next transfer begins at 6")
	put("STOR a", "THERE")
	assert.Equal(t, "hello THERE", get("a"))
	w.says("REST 6", "350 The next transfer begins at 6")
	assert.Equal(t, "THERE", get("a"))
	assert.Equal(t, "hello THERE", get("a"), "REST holds once")
	w.says("REST 12", "350 The next transfer begins at 12")
	w.passive()
	w.says("RETR a", "554 The file ends before")
	assert.Regexp(t, "^150 FILE: stou\\.", put("STOU", "unique"))
	w.says("TYPE A", "200 Ok")
	put("STOR t", "a\r\nb\r\n")
	assert.Equal(t, "a\r\nb\r\n", get("t"))
	w.says("TYPE I", "200 Ok")
	assert.Equal(t, "a\nb\n", get("t"))
	w.Advance(time.Hour)
}

// What would be a command of Telnet, a control character or the end of a line in a reply
// is none; nor is there one in the names that lists send.
func TestNamesAreNoCommands(t *testing.T) {
	w := stockedWorld(t, "/\xff\xf4", "/\x1b[2J", "/a\r\n226 b", "/200 c")
	w.send("STAT .\r\n")
	got := w.take()
	assert.Equal(t, 5, strings.Count(got, "\r\n"))
	for _, part := range []string{" ?[2J\r\n -", " 200 c\r\n -", " \xff\xff\xf4\r\n212 End\r\n"} {
		assert.Contains(t, got, part)
	}
	assert.Equal(t, "\x1b[2J\r\n200 c\r\n\xff\xf4\r\n", w.lists("NLST"))
}
