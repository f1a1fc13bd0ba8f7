package ftp_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// entangle has the server have links below a folder: to a file, and to the folder itself.
func (p *play) entangle(dir string) {
	p.files[dir+"/passwd"] = &node{data: []byte("secret"), at: noon, fact: slink}
	p.files[dir+"/loop"] = &node{at: noon, fact: slink}
	p.files[dir+"/loop/a"] = file("the same again")
}

// requireLinks requires these two to be what was skipped, and nothing to be said of them.
func (p *play) requireLinks(got ftp.Mirrored) {
	p.Helper()
	require.ElementsMatch(p, []ftp.Skipped{{Name: "passwd", Err: ftp.ErrLink}, {Name: "loop", Err: ftp.ErrLink}}, got.Skipped)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.said {
		assert.False(p, strings.Contains(line, "passwd") || strings.Contains(line, "loop"), line)
	}
}

// Links at the server are told of, and not followed: not to a file, and not to a folder.
func TestDownloadFollowsNoLinks(t *testing.T) {
	inEachListing(t, func(t *testing.T, p *play) {
		p.sow("/pub")
		p.entangle("/pub")
		dir := t.TempDir()
		got, err := p.client().DownloadContext(context.Background(), ftp.Mirror{Remote: "/pub", Local: dir})
		require.NoError(t, err)
		p.requireLinks(got)
		requireGrove(t, folderTree(t, dir))
	})
}

// Nothing is stored through a link at the server, nor in its place, and none here is
// followed.
func TestUploadFollowsNoLinks(t *testing.T) {
	inEachListing(t, func(t *testing.T, p *play) {
		p.files["/in"] = folder()
		p.entangle("/in")
		dir := t.TempDir()
		plant(t, dir, map[string]string{"passwd": "mine", "loop/a": "mine"})
		require.NoError(t, os.Symlink("passwd", filepath.Join(dir, "file")))
		require.NoError(t, os.Symlink("..", filepath.Join(dir, "up")))
		before := p.below("/in")
		got, err := p.client().UploadContext(context.Background(), ftp.Mirror{Remote: "/in", Local: dir})
		require.NoError(t, err)
		assert.Zero(t, got.Files)
		assert.Equal(t, before, p.below("/in"))
		errs := map[string]error{}
		for _, s := range got.Skipped {
			errs[s.Name] = s.Err
		}
		assert.Len(t, errs, 4)
		for name, err := range map[string]error{"passwd": ftp.ErrLink, "loop": ftp.ErrLink, "file": ftp.ErrLink, "up": ftp.ErrLink} {
			assert.ErrorIs(t, errs[name], err, name)
		}
	})
}
