package ftp_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
	"github.com/torsion-go/torsion/reactortest"
)

// inEachSecurity plays in clear, and with both ways to begin TLS.
func inEachSecurity(t *testing.T, test func(t *testing.T, p *play)) {
	for name, s := range map[string]ftp.Security{"clear": ftp.TLSNever, "explicit": ftp.TLSRequired, "implicit": ftp.TLSImplicit} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *play) {
				p.config.Security = s
				test(t, p)
			})
		})
	}
}

// All that a Client can do, over one connection.
func TestClient(t *testing.T) {
	inEachSecurity(t, func(t *testing.T, p *play) {
		c, ctx := p.client(), context.Background()
		for _, text := range []string{"", "hi", string(large)} {
			sent, err := c.PutContext(ctx, "/a", strings.NewReader(text), 0)
			require.NoError(t, err)
			assert.Equal(t, ftp.Copied{Bytes: int64(len(text)), Size: int64(len(text))}, sent)
			require.True(t, p.text("/a") == text, "%.80q", p.text("/a"))
			var b bytes.Buffer
			got, err := c.GetContext(ctx, "/a", &b, 0)
			require.NoError(t, err)
			assert.Equal(t, sent, got)
			require.True(t, b.String() == text, "%.80q", b.String())
		}
		require.NoError(t, c.MkdirAllContext(ctx, "/x/y z/w"))
		require.NoError(t, c.MkdirAllContext(ctx, "/x/y z/w"), "it is there")
		require.NoError(t, c.RenameContext(ctx, "/a", "/x/b"))
		at := time.Date(1999, 1, 2, 3, 4, 5, 0, time.UTC)
		require.NoError(t, c.SetModTimeContext(ctx, "/x/b", at))
		dated, err := c.ModTimeContext(ctx, "/x/b")
		require.NoError(t, err)
		assert.Equal(t, at, dated)
		size, err := c.SizeContext(ctx, "x/b")
		require.NoError(t, err)
		assert.EqualValues(t, len(large), size)
		l, err := c.ListContext(ctx, "/x")
		require.NoError(t, err)
		assert.ElementsMatch(t, []ftp.Entry{
			{Name: "b", Type: ftp.TypeFile, Size: int64(len(large)), Modified: at, Exact: true},
			{Name: "y z", Type: ftp.TypeFolder, Size: 0, Modified: noon, Exact: true},
		}, l.Entries)
		assert.Empty(t, l.Unusable)
		require.NoError(t, c.RemoveDirContext(ctx, "/x/y z/w"))
		require.NoError(t, c.MkdirContext(ctx, "/d"))
		require.NoError(t, c.RemoveContext(ctx, "/x/b"))
		assert.Equal(t, "(nothing)", p.text("/x/b"))
		home, err := c.PwdContext(ctx)
		require.NoError(t, err)
		assert.Equal(t, "/", home)
		require.NoError(t, c.NoopContext(ctx))
		require.NoError(t, c.QuitContext(ctx))
		assert.Equal(t, 1, strings.Count(strings.Join(p.said, "\n"), "USER"), "one login")
		if p.config.Security != ftp.TLSNever {
			assert.Contains(t, p.said, "PROT P")
		}
	})
}

// A transfer goes on where another has ended, both ways.
func TestClientResumes(t *testing.T) {
	inEachSecurity(t, func(t *testing.T, p *play) {
		p.files["/a"] = file("0123456789")
		c, ctx := p.client(), context.Background()
		var b bytes.Buffer
		got, err := c.GetContext(ctx, "/a", &b, 4)
		require.NoError(t, err)
		assert.Equal(t, ftp.Copied{Bytes: 6, Size: 10}, got)
		assert.Equal(t, "456789", b.String())
		got, err = c.GetContext(ctx, "/a", &b, 10)
		require.NoError(t, err)
		assert.Zero(t, got.Bytes)
		_, err = c.GetContext(ctx, "/a", &b, 11)
		require.ErrorIs(t, requireVerb(t, err, "SIZE"), ftp.ErrSize)

		_, err = c.PutContext(ctx, "/a", strings.NewReader("xyz"), 8)
		require.NoError(t, err)
		assert.Equal(t, "01234567xyz", p.text("/a"))
		sent, err := c.AppendContext(ctx, "/a", strings.NewReader("!"))
		require.NoError(t, err)
		assert.Equal(t, ftp.Copied{Bytes: 1, Size: 12}, sent)
		_, err = c.AppendContext(ctx, "/new", strings.NewReader(""))
		require.NoError(t, err)
		assert.Equal(t, "", p.text("/new"))
	})
}

// A Client without a Network could do nothing.
func TestClientNeedsNetwork(t *testing.T) {
	assert.PanicsWithValue(t, "ftp: a ClientConfig needs a Network", func() { ftp.ClientConfig{Addr: "127.0.0.1:21"}.New() })
}

// What cannot be done is a mistake, and shows where it is made and not on another goroutine.
func TestClientPanicsAtTheCall(t *testing.T) {
	c, ctx, some := ftp.ClientConfig{Network: reactortest.NewMemory(reactortest.Config{})}.New(), context.Background(), strings.NewReader("")
	for text, calls := range map[string][]func(){
		"ftp: Get needs a Writer, and was given nil":    {func() { c.Get("a", nil, 0) }, func() { _, _ = c.GetContext(ctx, "a", nil, 0) }},
		"ftp: Put needs a Reader, and was given nil":    {func() { c.Put("a", nil, 0) }, func() { _, _ = c.PutContext(ctx, "a", nil, 0) }},
		"ftp: Append needs a Reader, and was given nil": {func() { c.Append("a", nil) }, func() { _, _ = c.AppendContext(ctx, "a", nil) }},
		"ftp: a negative offset":                        {func() { c.Put("a", some, -1) }, func() { _, _ = c.GetContext(ctx, "a", io.Discard, -1) }},
	} {
		for _, call := range calls {
			assert.PanicsWithValue(t, text, call)
		}
	}
}
