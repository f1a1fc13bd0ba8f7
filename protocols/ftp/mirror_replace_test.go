package ftp_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// A server that does not rename over a file is helped, and one that renames nothing, or
// not to this name, or in which nothing may be removed, loses no file by that.
func TestUploadReplaces(t *testing.T) {
	over := func(p *play, verb, arg string) bool { return verb == "RNTO" && p.text(arg) != "(nothing)" }
	for name, c := range map[string]struct {
		refuses func(p *play, verb, arg string) bool
		files   []string // what has come of it
		verb    string   // of the error
	}{
		"over a file": {over, []string{"new"}, ""},
		"over a file, and an older one is aside": {func() func(p *play, verb, arg string) bool {
			once := false
			return func(p *play, verb, arg string) bool {
				if verb == "RNTO" && strings.HasSuffix(arg, "-old") && !once {
					once, p.files[arg] = true, file("oldest")
				}
				return over(p, verb, arg)
			}
		}(), []string{"new"}, ""},
		"to rename": {func(_ *play, verb, _ string) bool { return verb == "RNFR" }, []string{"older"}, "RNFR"},
		"over a file, and to rename it": {func(p *play, verb, arg string) bool {
			return over(p, verb, arg) || verb == "RNFR" && arg == "/a"
		}, []string{"older"}, "RNFR"},
		"over a file, and another once": {func() func(p *play, verb, arg string) bool {
			n := 0
			return func(p *play, verb, arg string) bool {
				if verb == "RNTO" && arg == "/a" {
					n++
				}
				return verb == "RNTO" && arg == "/a" && n <= 2
			}
		}(), []string{"older"}, "RNTO"},
		"this name": {func(_ *play, verb, arg string) bool {
			return verb == "RNTO" && arg == "/a"
		}, []string{"older, aside"}, "RNTO"},
		"over a file, and to remove": {func(p *play, verb, arg string) bool {
			return over(p, verb, arg) || verb == "DELE"
		}, []string{"new", "older, aside"}, "DELE"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *play) {
				dir := t.TempDir()
				plant(t, dir, map[string]string{"a": "new"})
				p.files["/a"] = file("older")
				p.instead = func(_ *session, verb, arg string) string {
					if c.refuses(p, verb, arg) {
						return "553 no"
					}
					return ""
				}
				got, err := p.client().UploadContext(context.Background(), ftp.Mirror{Remote: "/", Local: dir})
				require.NoError(t, err)
				var there []string
				for name, text := range p.below("") {
					if name != "a" {
						assert.Regexp(t, "^torsion-part-", name)
						require.ErrorContains(t, got.Skipped[0].Err, name)
						text += ", aside"
					}
					there = append(there, text)
				}
				assert.ElementsMatch(t, c.files, there)
				if c.verb == "" {
					assert.Empty(t, got.Skipped)
					return
				}
				require.Len(t, got.Skipped, 1)
				requireRefused(t, got.Skipped[0].Err, c.verb, 553)
			})
		})
	}
}

// A connection that is lost while the old file has another name says which.
func TestUploadIsLostWhileReplacing(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		dir := t.TempDir()
		plant(t, dir, map[string]string{"a": "new"})
		p.files["/a"] = file("older")
		n := 0
		p.instead = func(_ *session, verb, arg string) string {
			if verb != "RNTO" {
				return ""
			}
			n++
			return []string{"553 it is there", "", "!"}[n-1]
		}
		_, err := p.client().UploadContext(context.Background(), ftp.Mirror{Remote: "/", Local: dir})
		requireVerb(t, err, "RNTO")
		for name, text := range p.below("") {
			assert.Equal(t, text == "older", strings.Contains(err.Error(), name+`"`), name)
		}
		assert.Len(t, p.below(""), 2)
	})
}

// An account that may do all but rename keeps its file, and no draft stays beside it.
func TestUploadWithoutPermissionToRename(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		files := new(ftp.Memory)
		require.NoError(t, put(files, "/a", "older"))
		port, err := p.r.Listen("tcp", "127.0.0.1:0", ftp.Config{Network: p.r}.New(ftp.Users{
			"anonymous": {AnyPassword: true, Account: ftp.Account{Files: files, Allow: ftp.ReadWrite &^ ftp.Rename}},
		}))
		require.NoError(t, err)
		p.config.Addr = port.Addr().String()
		dir, c, ctx := t.TempDir(), p.client(), context.Background()
		plant(t, dir, map[string]string{"a": "new"})
		got, err := c.UploadContext(ctx, ftp.Mirror{Remote: "/", Local: dir})
		require.NoError(t, err)
		require.Len(t, got.Skipped, 1)
		requireRefused(t, got.Skipped[0].Err, "RNFR", 550)
		var text strings.Builder
		_, err = c.GetContext(ctx, "/a", &text, 0)
		require.NoError(t, err)
		assert.Equal(t, "older", text.String())
		assert.Equal(t, []string{"a"}, names(t, files, "/"))
	})
}
