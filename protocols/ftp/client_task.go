package ftp

import (
	"context"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocols/internal/serial"
)

// A task is what a Client does.
type task[T any] = serial.Task[*talk, T]

// doing is a task over a connection.
func doing[T any](f func(t *talk) (T, error)) task[T] {
	return func(ctx context.Context, t *talk) (v T, err error) {
		err = t.do(ctx, func() (err error) { v, err = f(t); return err })
		return v, err
	}
}

// simply is a task that has no result.
func simply(f func(*talk) error) task[struct{}] {
	return doing(func(t *talk) (struct{}, error) { return struct{}{}, f(t) })
}

func goodbye(ctx context.Context, t *talk) (struct{}, error) {
	t.Quit(ctx)
	return struct{}{}, nil
}

// unknown is the verdict on what is given up and has no result: it may have been done
// all the same.
func unknown[T any](err error) (v T, _ error) { return v, &ClientError{Verb: "wait", Err: err} }

// later has the Client do f. On the loop; verdict is what becomes of it if nobody
// waits for that.
func later[T any](c *Client, f task[T], verdict serial.Verdict[T]) *deferred.Deferred[T] {
	return serial.Later(&c.runner, f, verdict)
}

// now has the Client do f, and waits for that.
func now[T any](ctx context.Context, c *Client, f task[T], verdict serial.Verdict[T]) (T, error) {
	return serial.Now(ctx, &c.runner, f, verdict)
}
