package ftp_test

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// What breaks off leaves the old file, and with Resume the next goes on where it was.
func TestDownloadResumes(t *testing.T) {
	for _, resume := range []bool{false, true} {
		inBubble(t, func(t *testing.T, p *play) {
			p.files["/a"] = file(string(large))
			dir, c, ctx := t.TempDir(), p.client(), context.Background()
			plant(t, dir, map[string]string{"a": "old"})
			m := ftp.Mirror{Local: dir, Resume: resume}
			p.instead = func(s *session, verb, _ string) string {
				if verb == "RETR" {
					s.deliver = func(c, raw net.Conn, b []byte) { _, _ = c.Write(b[:1000]); _, _ = c.Write(nil); _ = c.Close() }
					defer func() { s.deliver = nil }()
					_ = s.send(large)
					return "426 broken"
				}
				return ""
			}
			got, err := c.DownloadContext(ctx, m)
			require.NoError(t, err)
			require.Len(t, got.Skipped, 1)
			assert.Equal(t, "old", folderTree(t, dir)["a"])
			assert.Len(t, folderTree(t, dir), map[bool]int{true: 2, false: 1}[resume])

			p.instead = nil
			got, err = c.DownloadContext(ctx, m)
			require.NoError(t, err)
			assert.EqualValues(t, map[bool]int{true: len(large) - 1000, false: len(large)}[resume], got.Bytes)
			require.Len(t, folderTree(t, dir), 1)
			assert.True(t, folderTree(t, dir)["a"] == string(large))
		})
	}
}

// So it is with uploads, and where the server cannot go on in the middle.
func TestUploadResumes(t *testing.T) {
	for _, rest := range []string{"", "502 what?"} {
		inBubble(t, func(t *testing.T, p *play) {
			dir, c, ctx := t.TempDir(), p.client(), context.Background()
			plant(t, dir, map[string]string{"a": string(large)})
			m := ftp.Mirror{Local: dir, Resume: true}
			p.instead = func(s *session, verb, arg string) string {
				if verb == "STOR" {
					s.mu.Lock()
					s.files[arg] = file(string(large[:1000]))
					s.mu.Unlock()
					return "451 broken"
				}
				return ""
			}
			m.Remote = "/"
			got, err := c.UploadContext(ctx, m)
			require.NoError(t, err)
			require.Len(t, got.Skipped, 1)

			p.instead = func(_ *session, verb, _ string) string { return map[string]string{"REST": rest}[verb] }
			got, err = c.UploadContext(ctx, m)
			require.NoError(t, err)
			assert.EqualValues(t, map[bool]int{true: len(large) - 1000, false: len(large)}[rest == ""], got.Bytes)
			require.Len(t, p.below(""), 1)
			assert.True(t, p.text("/a") == string(large))
		})
	}
}
