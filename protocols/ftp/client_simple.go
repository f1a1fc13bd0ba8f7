package ftp

import (
	"context"
	"time"

	"github.com/torsion-go/torsion/deferred"
)

// later and now, for what has no result.
func (c *Client) later(f func(*talk) error) *deferred.Deferred[struct{}] {
	return later(c, simply(f), unknown)
}

func (c *Client) now(ctx context.Context, f func(*talk) error) error {
	_, err := now(ctx, c, simply(f), unknown)
	return err
}

// Rename gives a file or folder another name. Whether it takes the place of one that
// is there the server decides.
func (c *Client) Rename(from, to string) *deferred.Deferred[struct{}] {
	return c.later(func(t *talk) error { return t.rename(from, to) })
}

// RenameContext is Rename for goroutines, on which it waits.
func (c *Client) RenameContext(ctx context.Context, from, to string) error {
	return c.now(ctx, func(t *talk) error { return t.rename(from, to) })
}

// Remove removes a file.
func (c *Client) Remove(name string) *deferred.Deferred[struct{}] {
	return c.later(func(t *talk) error { return t.remove(name) })
}

// RemoveContext is Remove for goroutines, on which it waits.
func (c *Client) RemoveContext(ctx context.Context, name string) error {
	return c.now(ctx, func(t *talk) error { return t.remove(name) })
}

// Mkdir makes a folder.
func (c *Client) Mkdir(name string) *deferred.Deferred[struct{}] {
	return c.later(func(t *talk) error { return t.mkdir(name) })
}

// MkdirContext is Mkdir for goroutines, on which it waits.
func (c *Client) MkdirContext(ctx context.Context, name string) error {
	return c.now(ctx, func(t *talk) error { return t.mkdir(name) })
}

// MkdirAll makes a folder and those above it. Those that are there are no error.
func (c *Client) MkdirAll(name string) *deferred.Deferred[struct{}] {
	return c.later(func(t *talk) error { return t.mkdirAll(name) })
}

// MkdirAllContext is MkdirAll for goroutines, on which it waits.
func (c *Client) MkdirAllContext(ctx context.Context, name string) error {
	return c.now(ctx, func(t *talk) error { return t.mkdirAll(name) })
}

// RemoveDir removes an empty folder.
func (c *Client) RemoveDir(name string) *deferred.Deferred[struct{}] {
	return c.later(func(t *talk) error { return t.removeDir(name) })
}

// RemoveDirContext is RemoveDir for goroutines, on which it waits.
func (c *Client) RemoveDirContext(ctx context.Context, name string) error {
	return c.now(ctx, func(t *talk) error { return t.removeDir(name) })
}

// SetModTime says when a file was modified, if the server lets that be said (MFMT).
func (c *Client) SetModTime(name string, at time.Time) *deferred.Deferred[struct{}] {
	return c.later(func(t *talk) error { return t.setModTime(name, at) })
}

// SetModTimeContext is SetModTime for goroutines, on which it waits.
func (c *Client) SetModTimeContext(ctx context.Context, name string, at time.Time) error {
	return c.now(ctx, func(t *talk) error { return t.setModTime(name, at) })
}
