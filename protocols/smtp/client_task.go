package smtp

import (
	"context"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocols/internal/serial"
)

// A task is what a Client does.
type task[T any] = serial.Task[*talk, T]

func sending(a *attempt, last bool) task[Result] {
	return func(ctx context.Context, t *talk) (Result, error) {
		r, err := a.send(ctx, t)
		if last {
			t.Quit(ctx)
		}
		return r, err
	}
}

// only is a task that has no result.
func only(f func(*talk) error) task[struct{}] {
	return func(ctx context.Context, t *talk) (struct{}, error) {
		return struct{}{}, t.do(ctx, func() error { return f(t) })
	}
}

func goodbye(ctx context.Context, t *talk) (struct{}, error) {
	t.Quit(ctx)
	return struct{}{}, nil
}

// unknown is the verdict on what is given up and has no result.
func unknown(err error) (struct{}, error) { return struct{}{}, err }

// later has the Client do f. On the loop; verdict is what becomes of it if nobody
// waits for that.
func later[T any](c *Client, f task[T], verdict serial.Verdict[T]) *deferred.Deferred[T] {
	return serial.Later(&c.runner, f, verdict)
}

// now has the Client do f, and waits for that.
func now[T any](ctx context.Context, c *Client, f task[T], verdict serial.Verdict[T]) (T, error) {
	return serial.Now(ctx, &c.runner, f, verdict)
}
