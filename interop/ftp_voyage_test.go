package interop

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// A voyage is what our client does in a harbour.
type voyage struct {
	*quay
	config ftp.ClientConfig
	client *ftp.Client
	ctx    context.Context
	here   string // our folder
}

var voyages = []struct {
	name string
	run  func(v *voyage)
}{
	{"login", (*voyage).logsIn},
	{"wrong password", (*voyage).isNobody},
	{"not trusted", (*voyage).distrusts},
	{"list", (*voyage).lists},
	{"get", func(v *voyage) { v.gets("hello\n") }},
	{"get 10 MB", func(v *voyage) { v.gets(babble(10_000_000)) }},
	{"get empty", func(v *voyage) { v.gets("") }},
	{"get rest", (*voyage).getsRest},
	{"put", func(v *voyage) { v.puts("hello\n") }},
	{"put over", (*voyage).replaces},
	{"put 10 MB", func(v *voyage) { v.puts(babble(10_000_000)) }},
	{"put empty", func(v *voyage) { v.puts("") }},
	{"put rest", (*voyage).putsRest},
	{"append", (*voyage).appends},
	{"rename", (*voyage).renames},
	{"delete", (*voyage).deletes},
	{"mkdir", (*voyage).makes},
	{"rmdir", (*voyage).unmakes},
	{"size", (*voyage).sizes},
	{"time", (*voyage).dates},
	{"set time", (*voyage).setsTime},
	{"not there", (*voyage).misses},
	{"spaces", func(v *voyage) { v.carries("two  words .txt", "the folder/two words") }},
	{"UTF-8", func(v *voyage) { v.carries("Łódź 日本語.txt", "grün/ñ") }},
	{"mirror", (*voyage).mirrors},
	{"mirror back", (*voyage).mirrorsBack},
	{"abort get", (*voyage).abortsGet},
	{"abort put", (*voyage).abortsPut},
	{"dies in get", (*voyage).losesGet},
	{"dies in put", (*voyage).losesPut},
	{"ftpget", (*voyage).program},
}

// What others serve comes here byte for byte, and what we bring is there; or our client
// says what is missing. README.md has the table.
func TestFTPServers(t *testing.T) {
	for _, h := range harbours {
		t.Run(h.name, func(t *testing.T) {
			h.need(t)
			for _, e := range voyages {
				if !h.cannotDo(e.name) {
					t.Run(e.name, func(t *testing.T) { e.run(embark(t, h)) })
				}
			}
		})
	}
}

// README.md has a table of what is done where.
func TestFTPServersTable(t *testing.T) {
	var columns, rows []string
	for _, h := range harbours {
		columns = append(columns, h.name)
	}
	for _, e := range voyages {
		rows = append(rows, e.name)
	}
	checkTable(t, columns, rows, func(column, row int) bool { return !harbours[column].cannotDo(rows[row]) })
}

// embark has our client begin a voyage.
func embark(t *testing.T, h harbour) *voyage {
	t.Helper()
	v := &voyage{quay: moor(t, h), here: t.TempDir()}
	var end context.CancelFunc
	v.ctx, end = context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(end)
	v.config = ftp.ClientConfig{
		Network: loop(t), Addr: v.addr, User: h.user, Password: "sesame", AllowInsecureAuth: true,
		Security: map[string]ftp.Security{"": ftp.TLSNever, "explicit": ftp.TLSRequired, "implicit": ftp.TLSImplicit}[h.tls],
		TLS:      &tls.Config{RootCAs: pool(v.id)},
	}
	v.renew()
	return v
}

// renew has a Client of what is in the config now.
func (v *voyage) renew() {
	c := v.config.New()
	v.client = c
	v.Cleanup(func() { c.Close() })
}

// has checks what is at the server.
func (v *voyage) has(tree map[string]string) {
	v.Helper()
	same(v.T, tree, harvest(v.T, v.dir))
}

// get fetches the rest of a file.
func (v *voyage) get(name string, offset int64) string {
	v.Helper()
	var b bytes.Buffer
	copied, err := v.client.GetContext(v.ctx, name, &b, offset)
	require.NoError(v, err)
	assert.EqualValues(v, b.Len(), copied.Bytes)
	return b.String()
}

func (v *voyage) put(name, text string) {
	v.Helper()
	_, err := v.client.PutContext(v.ctx, name, strings.NewReader(text), 0)
	require.NoError(v, err)
}

// refused requires an error of the server's.
func (v *voyage) refused(err error, verb string, code int) {
	v.Helper()
	var e *ftp.ClientError
	var reply *ftp.Error
	require.ErrorAs(v, err, &e)
	require.ErrorAs(v, err, &reply)
	assert.Equal(v, verb, e.Verb)
	assert.Equal(v, code, reply.Code, "%v", err)
}

func (v *voyage) logsIn() {
	require.NoError(v, v.client.NoopContext(v.ctx))
	require.NoError(v, v.client.QuitContext(v.ctx))
	assert.NoError(v, v.client.NoopContext(v.ctx)) // again
}

func (v *voyage) isNobody() {
	v.config.Password = "wrong"
	v.renew()
	v.refused(v.client.NoopContext(v.ctx), "PASS", 530)
}

func (v *voyage) distrusts() {
	v.config.TLS.RootCAs = pool(identify(v.T, "127.0.0.1"))
	v.renew()
	var e *tls.CertificateVerificationError
	assert.ErrorAs(v, v.client.NoopContext(v.ctx), &e)
}

// when is a time that is not now, nor long ago.
func when() time.Time { return time.Now().Add(-50 * time.Hour).Truncate(time.Second).UTC() }

// date has a file at the server be as old as that.
func (v *voyage) date(name string, at time.Time) {
	require.NoError(v, os.Chtimes(filepath.Join(v.dir, name), at, at))
}

func (v *voyage) lists() {
	plant(v.T, v.dir, map[string]string{"a.txt": "hello", ".hidden": "", "two  words": "x", "Łódź": "y", "folder/b.txt": "z", "link": ""})
	require.NoError(v, os.Remove(filepath.Join(v.dir, "link")))
	require.NoError(v, os.Symlink("a.txt", filepath.Join(v.dir, "link")))
	at := when()
	v.date("a.txt", at)
	l, err := v.client.ListContext(v.ctx, "")
	require.NoError(v, err)
	assert.Empty(v, l.Unusable)
	kinds := make(map[string]ftp.EntryType)
	for _, e := range l.Entries {
		kinds[e.Name] = e.Type
		if e.Name != "a.txt" {
			continue
		}
		assert.EqualValues(v, 5, e.Size)
		assert.Equal(v, v.facts, e.Exact)
		assert.WithinDuration(v, at, e.Modified, 24*time.Hour)
		if e.Exact {
			assert.Equal(v, at, e.Modified)
		}
	}
	assert.Contains(v, kinds, "link") // what it is depends on the server
	delete(kinds, "link")
	assert.Equal(v, map[string]ftp.EntryType{"a.txt": ftp.TypeFile, ".hidden": ftp.TypeFile, "two  words": ftp.TypeFile, "Łódź": ftp.TypeFile, "folder": ftp.TypeFolder}, kinds)
	l, err = v.client.ListContext(v.ctx, "folder")
	require.NoError(v, err)
	require.Len(v, l.Entries, 1)
	assert.Equal(v, "b.txt", l.Entries[0].Name)
}

func (v *voyage) gets(text string) {
	plant(v.T, v.dir, map[string]string{"a": text})
	got := v.get("a", 0)
	assert.True(v, text == got, "%d bytes", len(got))
}

func (v *voyage) getsRest() {
	text := babble(1_000_000)
	plant(v.T, v.dir, map[string]string{"a": text})
	got := v.get("a", 400_000)
	assert.True(v, text[400_000:] == got, "%d bytes", len(got))
}

func (v *voyage) puts(text string) {
	v.put("a", text)
	v.has(map[string]string{"a": text})
}

func (v *voyage) replaces() {
	plant(v.T, v.dir, map[string]string{"a": "the old text is longer"})
	v.puts("hello\n")
}

func (v *voyage) putsRest() {
	text := babble(1_000_000)
	plant(v.T, v.dir, map[string]string{"a": text[:400_000]})
	_, err := v.client.PutContext(v.ctx, "a", strings.NewReader(text[400_000:]), 400_000)
	require.NoError(v, err)
	v.has(map[string]string{"a": text})
}

func (v *voyage) appends() {
	text := babble(1_000_000)
	for _, part := range []string{text[:400_000], text[400_000:]} { // the first makes the file
		_, err := v.client.AppendContext(v.ctx, "a", strings.NewReader(part))
		require.NoError(v, err)
	}
	v.has(map[string]string{"a": text})
}

func (v *voyage) renames() {
	plant(v.T, v.dir, map[string]string{"a.txt": "x", "folder/": ""})
	require.NoError(v, v.client.RenameContext(v.ctx, "a.txt", "folder/b.txt"))
	v.has(map[string]string{"folder/b.txt": "x"})
	v.refused(v.client.RenameContext(v.ctx, "a.txt", "c.txt"), "RNFR", 550)
}

func (v *voyage) deletes() {
	plant(v.T, v.dir, map[string]string{"a.txt": "x", "b.txt": "y"})
	require.NoError(v, v.client.RemoveContext(v.ctx, "a.txt"))
	v.has(map[string]string{"b.txt": "y"})
	v.refused(v.client.RemoveContext(v.ctx, "a.txt"), "DELE", 550)
}

func (v *voyage) makes() {
	require.NoError(v, v.client.MkdirContext(v.ctx, "new folder"))
	v.refused(v.client.MkdirContext(v.ctx, "new folder"), "MKD", 550)
	require.NoError(v, v.client.MkdirAllContext(v.ctx, "new folder/a/b"))
	v.has(map[string]string{"new folder/a/b/": ""})
}

func (v *voyage) unmakes() {
	plant(v.T, v.dir, map[string]string{"old/": "", "full/b.txt": "y"})
	require.NoError(v, v.client.RemoveDirContext(v.ctx, "old"))
	v.refused(v.client.RemoveDirContext(v.ctx, "full"), "RMD", 550)
	v.has(map[string]string{"full/b.txt": "y"})
}

func (v *voyage) sizes() {
	plant(v.T, v.dir, map[string]string{"a": babble(123_456)})
	n, err := v.client.SizeContext(v.ctx, "a")
	require.NoError(v, err)
	assert.EqualValues(v, 123_456, n)
	_, err = v.client.SizeContext(v.ctx, "b")
	v.refused(err, "SIZE", 550)
}

func (v *voyage) dates() {
	plant(v.T, v.dir, map[string]string{"a": "x"})
	at := when()
	v.date("a", at)
	got, err := v.client.ModTimeContext(v.ctx, "a")
	require.NoError(v, err)
	assert.Equal(v, at, got)
}

func (v *voyage) setsTime() {
	plant(v.T, v.dir, map[string]string{"a": "x"})
	at := when()
	require.NoError(v, v.client.SetModTimeContext(v.ctx, "a", at))
	info, err := os.Stat(filepath.Join(v.dir, "a"))
	require.NoError(v, err)
	assert.Equal(v, at, info.ModTime().UTC())
}

func (v *voyage) misses() {
	_, err := v.client.GetContext(v.ctx, "folder/a.txt", io.Discard, 0)
	v.refused(err, "RETR", 550)
	_, err = v.client.PutContext(v.ctx, "folder/a.txt", strings.NewReader("x"), 0)
	require.Error(v, err)
	assert.NoError(v, v.client.NoopContext(v.ctx))
	v.has(map[string]string{})
}

// carries takes files with such names there, and back.
func (v *voyage) carries(names ...string) {
	all := make(map[string]string)
	for _, name := range names {
		if dir := filepath.Dir(name); dir != "." {
			require.NoError(v, v.client.MkdirContext(v.ctx, dir))
		}
		all[name] = "this is " + name
		v.put(name, all[name])
		assert.Equal(v, all[name], v.get(name, 0))
	}
	v.has(all)
}

func (v *voyage) mirrors() {
	plant(v.T, filepath.Join(v.dir, "tree"), forest())
	m := ftp.Mirror{Remote: "tree", Local: filepath.Join(v.here, "tree")}
	for _, files := range []int{len(forest()), 0} {
		done, err := v.client.DownloadContext(v.ctx, m)
		require.NoError(v, err)
		assert.Empty(v, done.Skipped)
		assert.Equal(v, files, done.Files)
		assert.Equal(v, len(forest())-files, done.Unchanged)
	}
	same(v.T, forest(), harvest(v.T, m.Local))
}

func (v *voyage) mirrorsBack() {
	m := ftp.Mirror{Remote: "tree", Local: filepath.Join(v.here, "tree")}
	plant(v.T, m.Local, forest())
	for name := range forest() { // where times cannot be set, what is younger there is the same
		require.NoError(v, os.Chtimes(filepath.Join(m.Local, name), when(), when()))
	}
	for _, files := range []int{len(forest()), 0} {
		done, err := v.client.UploadContext(v.ctx, m)
		require.NoError(v, err)
		assert.Empty(v, done.Skipped)
		assert.Equal(v, files, done.Files)
		assert.Equal(v, len(forest())-files, done.Unchanged)
	}
	same(v.T, forest(), harvest(v.T, filepath.Join(v.dir, "tree")))
}

// program has examples/ftpget do all that it can.
func (v *voyage) program() {
	plant(v.T, v.dir, map[string]string{"a.txt": "hello\n", "tree/b.txt": "b"})
	local := func(name string) string { return filepath.Join(v.here, name) }
	assert.Contains(v, v.ftpget(0, "list"), "a.txt")
	v.ftpget(0, "get", "a.txt", local("a.txt"))
	v.ftpget(0, "put", local("a.txt"), "copy.txt")
	v.ftpget(0, "mirror", "tree", local("tree"))
	v.ftpget(0, "upload", local("tree"), "tree again")
	v.ftpget(69, "get", "nothing", local("nothing"))
	v.config.Password = "wrong"
	v.ftpget(77, "list")
	v.has(map[string]string{"a.txt": "hello\n", "copy.txt": "hello\n", "tree/b.txt": "b", "tree again/b.txt": "b"})
	same(v.T, map[string]string{"a.txt": "hello\n", "tree/b.txt": "b"}, harvest(v.T, v.here))
}

func (v *voyage) ftpget(status int, args ...string) (said string) {
	v.Helper()
	flags := []string{"-connect", v.addr, "-user", v.user, "-password", v.config.Password, "-insecure-auth", "-tls", yesNo(v.tls != "", v.tls, "none"), "-tls-ca", v.id.certFile}
	cmd := exec.Command(build(v.T, "ftpget"), append(flags, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		require.IsType(v, &exec.ExitError{}, err)
	}
	assert.Equal(v, status, cmd.ProcessState.ExitCode(), "%v: %s", args, out)
	return string(out)
}
