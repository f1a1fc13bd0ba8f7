package ftp_test

import (
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocols/ftp"
)

// inEachListing plays with servers that have MLSD, and that have LIST and perhaps MDTM.
func inEachListing(t *testing.T, test func(t *testing.T, p *play)) {
	for name, features := range map[string][]string{
		"MLSD": nil, "LIST, MDTM": {"SIZE", "MDTM", "MFMT"}, "LIST": {"SIZE"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *play) {
				if features != nil {
					p.features = features
				}
				test(t, p)
			})
		})
	}
}

// folderTree is what is below a folder here: the text of files.
func folderTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		short := filepath.ToSlash(strings.TrimPrefix(name, dir+string(filepath.Separator)))
		switch {
		case d.IsDir():
			all[short] = "/"
		case d.Type().IsRegular():
			b, err := os.ReadFile(name)
			all[short] = string(b)
			return err
		default:
			all[short] = d.Type().String()
		}
		return nil
	}))
	return all
}

// plant makes files and folders here.
func plant(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if text == "/" {
			require.NoError(t, os.MkdirAll(full, 0o777))
			continue
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o777))
		require.NoError(t, os.WriteFile(full, []byte(text), 0o666))
		require.NoError(t, os.Chtimes(full, noon, noon))
	}
}

// below is what is below a folder at the server.
func (p *play) below(dir string) map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]string{}
	for name, n := range p.files {
		if short, ok := strings.CutPrefix(name, dir+"/"); ok && short != "" {
			if n.data == nil {
				all[short] = "/"
			} else {
				all[short] = string(n.data)
			}
		}
	}
	return all
}

var grove = map[string]string{
	"a": "0123", "empty": "", "d": "/", "d/b c": "hello", "d/e": "/", "d/e/f": string(large), "none": "/",
}

// requireGrove requires a tree to be the grove.
func requireGrove(t *testing.T, got map[string]string) {
	t.Helper()
	for name, text := range grove {
		require.True(t, got[name] == text, "%s is %.20q", name, got[name])
	}
	require.Len(t, got, len(grove))
}

// sow has the server have the grove.
func (p *play) sow(dir string) {
	p.files[dir] = folder()
	for name, text := range grove {
		p.files[dir+"/"+name] = file(text)
		if text == "/" {
			p.files[dir+"/"+name] = folder()
		}
	}
}

// Download makes the folder here like that at the server; what is the same is not
// fetched again, and what is not, is.
func TestDownload(t *testing.T) {
	inEachListing(t, func(t *testing.T, p *play) {
		p.sow("/pub")
		local, c, ctx := filepath.Join(t.TempDir(), "x", "y"), p.client(), context.Background()
		m := ftp.Mirror{Remote: "/pub", Local: local}
		got, err := c.DownloadContext(ctx, m)
		require.NoError(t, err)
		assert.Equal(t, ftp.Mirrored{Files: 4, Bytes: int64(9 + len(large))}, got)
		requireGrove(t, folderTree(t, local))

		p.mu.Lock()
		p.files["/pub/a"] = file("01234")
		p.files["/pub/d/b c"] = &node{data: []byte("HELLO"), at: noon.Add(time.Hour)}
		p.mu.Unlock()
		plant(t, local, map[string]string{"mine": "stays"})
		got, err = c.DownloadContext(ctx, m)
		require.NoError(t, err)
		want := ftp.Mirrored{Files: 2, Bytes: 10, Unchanged: 2}
		if p.features[len(p.features)-1] == "SIZE" { // the time is not known: perhaps they are different
			want = ftp.Mirrored{Files: 4, Bytes: int64(10 + len(large))}
		}
		assert.Equal(t, want, got)
		now := folderTree(t, local)
		assert.Equal(t, []string{"01234", "HELLO", "stays"}, []string{now["a"], now["d/b c"], now["mine"]})
	})
}

// Nothing is written but below the folder, whatever a server calls its files, and
// what could not be used is told.
func TestDownloadStaysBelow(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		p.files["/a"] = file("evil")
		dir := t.TempDir()
		local := filepath.Join(dir, "in")
		plant(t, dir, map[string]string{"out/secret": "secret", "in/file": "here", "in/folder": "/"})
		for name, to := range map[string]string{"link": "../out", "abs": dir, "tofile": "../out/secret", "inner": "folder"} {
			require.NoError(t, os.Symlink(to, filepath.Join(local, name)))
		}
		p.lists(strings.Join([]string{
			"type=file;size=4; ../../../etc/cron.d/x", "type=file;size=4; /abs", "type=dir; ..", "type=dir; ../out",
			"type=file;size=4; ", "type=file;size=4; torsion-part-0", "type=file;size=4; " + strings.Repeat("long", 100),
			"type=OS.unix=slink:/etc/passwd; slink", "type=OS.unix=blk; disk",
			"type=dir; link", "type=dir; abs", "type=dir; inner", "type=file;size=4; link", "type=file;size=4; tofile",
			"type=dir; file", "type=file;size=4; folder",
		}, "\r\n"))
		before := folderTree(t, dir)
		got, err := p.client().DownloadContext(context.Background(), ftp.Mirror{Local: local})
		require.NoError(t, err)
		assert.Zero(t, got.Files)
		assert.Len(t, got.Skipped, 15, "all but the folder above: %v", got.Skipped)
		assert.Equal(t, before, folderTree(t, dir))
		errs := map[string]error{}
		for _, s := range got.Skipped {
			errs[s.Name] = s.Err
		}
		assert.ErrorIs(t, errs["type=file;size=4; ../../../etc/cron.d/x"], ftp.ErrName)
		assert.ErrorIs(t, errs["slink"], ftp.ErrLink)
		assert.ErrorIs(t, errs["inner"], ftp.ErrLink)
		assert.ErrorIs(t, errs["disk"], ftp.ErrNotRegular)
		assert.ErrorIs(t, errs["tofile"], ftp.ErrNotRegular)
	})
}

// A tree without an end is not followed for ever.
func TestMirrorBounds(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		p.instead = func(s *session, verb, _ string) string {
			if verb == "MLSD" {
				return s.send([]byte("type=dir; a\r\ntype=dir; b\r\n"))
			}
			return ""
		}
		c, ctx := p.client(), context.Background()
		got, err := c.DownloadContext(ctx, ftp.Mirror{Local: t.TempDir(), MaxDepth: 3})
		require.NoError(t, err)
		require.Len(t, got.Skipped, 8)
		assert.ErrorIs(t, got.Skipped[0].Err, ftp.ErrTooMany)
		_, err = c.DownloadContext(ctx, ftp.Mirror{Local: t.TempDir(), MaxEntries: 100, MaxDepth: 1000})
		require.ErrorIs(t, requireVerb(t, err, "mirror"), ftp.ErrTooMany)
	})
	inBubble(t, func(t *testing.T, p *play) { // nor a file
		p.files["/a"], p.files["/b"] = file("0123456789"), file("0123456789")
		p.deliver = func(c, _ net.Conn, b []byte) {
			_, err := c.Write(b)
			for err == nil && b[0] == '0' {
				_, err = c.Write(large)
			}
			_ = c.Close()
		}
		dir := t.TempDir()
		got, err := p.client().DownloadContext(context.Background(), ftp.Mirror{Local: dir, MaxBytes: 5 << 20})
		require.ErrorIs(t, requireVerb(t, err, "RETR"), ftp.ErrTooMany)
		assert.Zero(t, got.Files)
		assert.Empty(t, folderTree(t, dir))
	})
	inBubble(t, func(t *testing.T, p *play) {
		dir, c, ctx := t.TempDir(), p.client(), context.Background()
		plant(t, dir, grove)
		got, err := c.UploadContext(ctx, ftp.Mirror{Remote: "/x", Local: dir, MaxDepth: 1})
		require.NoError(t, err)
		assert.Len(t, got.Skipped, 2)
		_, result := begun(p, func() *deferred.Deferred[ftp.Mirrored] {
			return c.Upload(ftp.Mirror{Remote: "/x", Local: dir, MaxEntries: 4})
		})
		require.ErrorIs(t, (<-result).err, ftp.ErrTooMany)
	})
}

// Upload makes the folder at the server like that here.
func TestUpload(t *testing.T) {
	inEachListing(t, func(t *testing.T, p *play) {
		dir, c, ctx := t.TempDir(), p.client(), context.Background()
		plant(t, dir, grove)
		m := ftp.Mirror{Remote: "/in/box", Local: dir}
		got, err := c.UploadContext(ctx, m)
		require.NoError(t, err)
		assert.Equal(t, ftp.Mirrored{Files: 4, Bytes: int64(9 + len(large))}, got)
		requireGrove(t, p.below("/in/box"))

		plant(t, dir, map[string]string{"a": "new", "d/b c": "HELLO", "torsion-part-x": "half"})
		require.NoError(t, os.Symlink("a", filepath.Join(dir, "link")))
		require.NoError(t, os.Chtimes(filepath.Join(dir, "d/b c"), noon, noon.Add(20*time.Hour)))
		got, err = c.UploadContext(ctx, m)
		require.NoError(t, err)
		if p.features[len(p.features)-1] == "SIZE" {
			return // the times of LIST are for days
		}
		assert.Equal(t, ftp.Mirrored{
			Files: 2, Bytes: 8, Unchanged: 2, Skipped: []ftp.Skipped{{Name: "link", Err: ftp.ErrLink}},
		}, got)
		now := p.below("/in/box")
		assert.Equal(t, []string{"new", "HELLO", "(nothing)"}, []string{now["a"], now["d/b c"], max(now["link"], "(nothing)")})
	})
}

// What a server refuses is told, and the rest goes on.
func TestMirrorSkipsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		p.sow("/pub")
		p.instead = func(_ *session, verb, arg string) string {
			if verb == "RETR" && arg == "/pub/a" || verb == "MLSD" && arg == "/pub/d/e" {
				return "550 not for you"
			}
			return ""
		}
		got, err := p.client().DownloadContext(context.Background(), ftp.Mirror{Remote: "/pub", Local: t.TempDir()})
		require.NoError(t, err)
		assert.Equal(t, 2, got.Files)
		require.Len(t, got.Skipped, 2)
		for _, s := range got.Skipped {
			var refused *ftp.Error
			assert.ErrorAs(t, s.Err, &refused, s.Name)
		}
	})
	inBubble(t, func(t *testing.T, p *play) {
		dir := t.TempDir()
		plant(t, dir, grove)
		p.files["/in"], p.files["/in/none"] = folder(), file("no folder")
		p.instead = func(s *session, verb, arg string) string {
			if verb == "STOR" && strings.Contains(arg, "/d/") || verb == "RNTO" && arg == "/in/a" {
				return "553 not here"
			}
			return ""
		}
		got, err := p.client().UploadContext(context.Background(), ftp.Mirror{Remote: "/in", Local: dir})
		require.NoError(t, err)
		assert.Equal(t, 1, got.Files)
		assert.Len(t, got.Skipped, 4)
		assert.Equal(t, "no folder", p.text("/in/none"))
	})
}

// A Mirror that is given up says how far it has come.
func TestMirrorIsGivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		p.sow("/pub")
		n := 0
		p.deliver = func(c, raw net.Conn, b []byte) {
			if n++; n < 4 {
				_, _ = c.Write(b)
				_ = c.Close()
				return
			}
			_, _ = raw.Read(make([]byte, 1))
		}
		c, dir := p.client(), t.TempDir()
		d, result := begun(p, func() *deferred.Deferred[ftp.Mirrored] { return c.Download(ftp.Mirror{Remote: "/pub", Local: dir}) })
		synctest.Wait()
		p.on(d.Cancel)
		o := <-result
		require.ErrorIs(t, o.err, deferred.ErrCancelled)
		assert.LessOrEqual(t, o.v.Files, 2)
		require.NoError(t, c.NoopContext(context.Background()))
		for name := range folderTree(t, dir) {
			assert.False(t, strings.HasPrefix(name, "torsion-part-"), name)
		}
	})
}

// A lost connection ends it, and so does a folder in which nothing can be written.
func TestMirrorEnds(t *testing.T) {
	for _, verb := range []string{"MLSD", "RETR", "EPSV"} {
		inBubble(t, func(t *testing.T, p *play) {
			p.sow("/pub")
			n := 0
			p.instead = func(_ *session, v, _ string) string {
				if v == verb {
					if n++; n == 2 {
						return "!"
					}
				}
				return ""
			}
			_, err := p.client().DownloadContext(context.Background(), ftp.Mirror{Remote: "/pub", Local: t.TempDir()})
			requireVerb(t, err, verb)
		})
	}
	inBubble(t, func(t *testing.T, p *play) {
		p.sow("/pub")
		dir := t.TempDir()
		p.instead = func(_ *session, verb, _ string) string {
			if verb == "RETR" {
				assert.NoError(t, os.RemoveAll(dir))
			}
			return ""
		}
		_, err := p.client().DownloadContext(context.Background(), ftp.Mirror{Remote: "/pub", Local: dir})
		require.ErrorIs(t, requireVerb(t, err, "mirror"), fs.ErrNotExist)
	})
	inBubble(t, func(t *testing.T, p *play) {
		_, err := p.client().DownloadContext(context.Background(), ftp.Mirror{Local: "/dev/null/x"})
		var e *fs.PathError
		require.ErrorAs(t, requireVerb(t, err, "mirror"), &e)
		_, err = p.client().UploadContext(context.Background(), ftp.Mirror{Local: filepath.Join(t.TempDir(), "none")})
		require.ErrorIs(t, requireVerb(t, err, "mirror"), fs.ErrNotExist)
		dir := filepath.Join(t.TempDir(), "x")
		_, err = p.client().DownloadContext(context.Background(), ftp.Mirror{Remote: "/none", Local: dir})
		requireRefused(t, err, "MLSD", 550)
		assert.NoDirExists(t, dir)
	})
}
