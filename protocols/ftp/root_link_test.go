package ftp

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/reactortest"
)

// linked is a folder with a file and with links to it, to a folder, and to the folder
// itself.
func linked(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "d"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d", "x"), []byte("hello"), 0o644))
	for name, target := range map[string]string{"again": ".", "file": "d/x", "folder": "d"} {
		require.NoError(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	return dir
}

// Every kind of listing shows links as links, so that nobody enters one who goes through
// all folders; who is told a link's name goes where it leads.
func TestListingsShowLinks(t *testing.T) {
	w := newWorld(t)
	w.logsIn(Account{Files: &Root{Dir: linked(t)}, Allow: ReadWrite})
	for command, want := range map[string]string{
		"MLSD":    `(?m)^type=OS\.unix=slink;[^ ]* again\r\n.* d\r\ntype=OS\.unix=slink;[^ ]* file\r\ntype=OS\.unix=slink;[^ ]* folder\r\n$`,
		"LIST":    `^l[^\n]* again -> \.\r\nd[^\n]* d\r\nl[^\n]* file -> d/x\r\nl[^\n]* folder -> d\r\n$`,
		"NLST -l": `^l[^\n]* again -> \.\r\nd[^\n]* d\r\nl[^\n]* file -> d/x\r\nl[^\n]* folder -> d\r\n$`,
		"LIST f*": `^l[^\n]* file -> d/x\r\nl[^\n]* folder -> d\r\n$`,
	} {
		d := w.dial(clientIP, w.passive())
		w.says(command, "150 Here comes the list", complete)
		assert.Regexp(t, want, d.heard.String(), command)
	}
	w.send("STAT .\r\n")
	assert.Regexp(t, `\n l[^\n]* again -> \.\r\n d[^\n]* d\r\n l[^\n]* file -> d/x\r\n l[^\n]* folder -> d\r\n`, w.take())

	d := w.dial(clientIP, w.passive())
	w.says("RETR file", opened, complete)
	assert.Equal(t, "hello", d.heard.String())
	w.says("SIZE folder/x", "213 5")
	w.says("CWD folder", "250 Ok")
	w.says("DELE ../folder", "250 Removed")
	w.says("SIZE /d/x", "213 5")
}

// Where a link leads to is shown if that is inside; what a line cannot hold is not.
func TestListingsShowNoPathsOutside(t *testing.T) {
	dir := linked(t)
	require.NoError(t, os.Symlink("../..", filepath.Join(dir, "d", "up")))
	for name, target := range map[string]string{
		"absolute": filepath.Join(dir, "d"), "out": "../secret", "back": "../" + filepath.Base(dir) + "/d",
		"nowhere": "none", "through": "none/../../secret", "roundabout": "d/up/secret", "odd": "a\r\nb",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(dir, "d", "..", name)))
	}
	got := listed(t, &Root{Dir: dir}, "/", lsLines(testNow, "", ""))
	for name, want := range map[string]string{
		"absolute": "?", "out": "?", "back": "?", "nowhere": "none", "through": "?", "roundabout": "?", "odd": "a??b", "file": "d/x",
	} {
		assert.Contains(t, got, " "+name+" -> "+want+"\r\n")
	}
	got = listed(t, &Root{Dir: dir}, "/d", lsLines(testNow, "", ""))
	assert.Contains(t, got, " up -> ?\r\n")
}

// A Mirror tells of links, and takes each folder once.
func TestMirrorFindsLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := reactortest.NewMemory(reactortest.Config{Logger: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		users := Users{"ann": {Password: "sesame", Account: Account{Files: &Root{Dir: linked(t)}}}}
		port, err := r.Listen("tcp", "127.0.0.1:0", Config{Network: r}.New(users))
		require.NoError(t, err)
		c := ClientConfig{
			Network: r, Addr: port.Addr().String(), Security: TLSNever, AllowInsecureAuth: true, User: "ann", Password: "sesame",
		}.New()
		got, err := c.DownloadContext(ctx, Mirror{Remote: "/", Local: t.TempDir()})
		require.NoError(t, err)
		assert.Equal(t, Mirrored{Files: 1, Bytes: 5, Skipped: []Skipped{{"again", ErrLink}, {"file", ErrLink}, {"folder", ErrLink}}}, got)
		require.NoError(t, c.Close())
		stop()
		assert.NoError(t, <-done)
	})
}
