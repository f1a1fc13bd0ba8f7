package interop

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// midway calls f when much, but not all, has moved.
type midway struct {
	n int
	f func()
}

const long = 50_000_000 // more than buffers take

func (m *midway) count(n int) (int, error) {
	if m.n += n; m.n > long/10 && m.f != nil {
		m.f()
		m.f = nil
	}
	return n, nil
}

func (m *midway) Write(p []byte) (int, error) { return m.count(len(p)) }
func (m *midway) Read(p []byte) (int, error)  { return m.count(len(p)) }

// freight is a long file at the server.
func (v *voyage) freight() {
	plant(v.T, v.dir, map[string]string{"long": "", "short": "x"})
	require.NoError(v, os.Truncate(filepath.Join(v.dir, "long"), long))
}

func (v *voyage) abortsGet() {
	v.freight()
	ctx, cancel := context.WithCancel(v.ctx)
	defer cancel()
	_, err := v.client.GetContext(ctx, "long", &midway{f: cancel}, 0)
	require.ErrorIs(v, err, context.Canceled)
	assert.Equal(v, "x", v.get("short", 0))
}

func (v *voyage) abortsPut() {
	ctx, cancel := context.WithCancel(v.ctx)
	defer cancel()
	_, err := v.client.PutContext(ctx, "a", io.LimitReader(&midway{f: cancel}, long), 0)
	require.ErrorIs(v, err, context.Canceled)
	v.put("a", "hello\n")
	v.has(map[string]string{"a": "hello\n"})
}

func (v *voyage) losesGet() {
	v.freight()
	_, err := v.client.GetContext(v.ctx, "long", &midway{f: v.kill}, 0)
	v.lost(err)
}

func (v *voyage) losesPut() {
	_, err := v.client.PutContext(v.ctx, "a", io.LimitReader(&midway{f: v.kill}, long), 0)
	v.lost(err)
}

// lost requires an error that says so, and says so soon.
func (v *voyage) lost(err error) {
	v.Helper()
	var e *ftp.ClientError
	require.ErrorAs(v, err, &e)
	assert.NotErrorIs(v, err, context.DeadlineExceeded)
	assert.NotErrorIs(v, err, os.ErrDeadlineExceeded)
}
