package ftp_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
	"github.com/torsion-go/torsion/reactortest"
)

// The Client and the server of this package understand each other, by all ways to use
// TLS, also where each connection for data has to resume the session of the other.
func TestClientAndServer(t *testing.T) {
	for name, set := range map[string]func(s *ftp.Config, c *ftp.ClientConfig){
		"in clear": func(s *ftp.Config, c *ftp.ClientConfig) {
			s.TLS, s.RequireTLS, s.RequireReuse = nil, false, false
			c.Security, c.AllowInsecureAuth = ftp.TLSNever, true
		},
		"explicit": func(*ftp.Config, *ftp.ClientConfig) {},
		"implicit": func(s *ftp.Config, c *ftp.ClientConfig) { s.ImplicitTLS, c.Security = true, ftp.TLSImplicit },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := reactortest.NewMemory(reactortest.Config{Logger: slog.New(slog.DiscardHandler)})
				p := over(t, r)
				p.serverTLS.Time = p.config.TLS.Time
				server := ftp.Config{Network: r, TLS: p.serverTLS, RequireTLS: true, RequireReuse: true}
				p.config.Security, p.config.User, p.config.Password = ftp.TLSRequired, "ann", "sesame"
				set(&server, &p.config)
				port, err := r.Listen("tcp", "127.0.0.1:0", server.New(ftp.Users{
					"ann": {Password: "sesame", Account: ftp.Account{Files: &ftp.Memory{}, Allow: ftp.ReadWrite}},
				}))
				require.NoError(t, err)
				p.config.Addr = port.Addr().String()
				converse(t, p.client())
			})
		})
	}
}

// converse does all that a Client can do.
func converse(t *testing.T, c *ftp.Client) {
	ctx := context.Background()
	for _, text := range []string{"", "hi", string(large)} {
		_, err := c.PutContext(ctx, "/a", strings.NewReader(text), 0)
		require.NoError(t, err)
		var b bytes.Buffer
		got, err := c.GetContext(ctx, "/a", &b, int64(len(text)/2))
		require.NoError(t, err)
		require.True(t, b.String() == text[len(text)/2:])
		assert.EqualValues(t, len(text), got.Size)
	}
	_, err := c.PutContext(ctx, "/a", strings.NewReader("xyz"), 3)
	require.NoError(t, err)
	_, err = c.AppendContext(ctx, "/a", strings.NewReader("!"))
	require.NoError(t, err)
	require.NoError(t, c.SetModTimeContext(ctx, "/a", noon))
	at, err := c.ModTimeContext(ctx, "/a")
	require.NoError(t, err)
	assert.Equal(t, noon, at)
	require.NoError(t, c.MkdirAllContext(ctx, "/x/y z"))
	require.NoError(t, c.RenameContext(ctx, "/a", "/x/ü; b"))
	l, err := c.ListContext(ctx, "/x")
	require.NoError(t, err)
	require.Len(t, l.Entries, 2)
	require.NoError(t, c.RemoveContext(ctx, "/x/ü; b"))
	require.NoError(t, c.RemoveDirContext(ctx, "/x/y z"))
	_, err = c.SizeContext(ctx, "/a")
	requireRefused(t, err, "SIZE", 550)

	here, there := t.TempDir(), t.TempDir()
	plant(t, here, grove)
	all := ftp.Mirrored{Files: 4, Bytes: int64(9 + len(large))}
	for _, want := range []ftp.Mirrored{all, {Unchanged: 4}} {
		got, err := c.UploadContext(ctx, ftp.Mirror{Remote: "/m/n", Local: here})
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, want := range []ftp.Mirrored{all, {Unchanged: 4}} {
		got, err := c.DownloadContext(ctx, ftp.Mirror{Remote: "/m/n", Local: there})
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}

	requireGrove(t, folderTree(t, there))
	<-time.After(time.Hour)
	require.NoError(t, c.NoopContext(ctx), "over another connection")
	require.NoError(t, c.QuitContext(ctx))
}
