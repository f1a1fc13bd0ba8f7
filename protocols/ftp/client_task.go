package ftp

import (
	"context"
	"net"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocol"
)

// A task is what an operation does.
type task[T any] func(ctx context.Context, t *talk) (T, error)

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
	t.quit(ctx)
	return struct{}{}, nil
}

// unknown is the verdict on what is given up and has no result: it may have been done
// all the same.
func unknown[T any](err error) (v T, _ error) { return v, &ClientError{Verb: "wait", Err: err} }

// later has the Client do f. On the loop; verdict is what becomes of it if nobody
// waits for that.
func later[T any](c *Client, f task[T], verdict func(error) (T, error)) *deferred.Deferred[T] {
	loop := c.config.Network
	d, told, forget := deferred.New[T](loop), false, func() {}
	tell := func(v T, err error) {
		if told {
			return
		}
		told = true
		forget()
		d.Fire(v, err)
	}
	o := newOperation(context.Background(), f, verdict, func(v T, err error) {
		_ = loop.Call(func() { tell(v, err) }) // one that has stopped has told already
	})
	giveUp := func(err error) {
		v, e := verdict(err) // before the operation hears of it
		o.cancel(err)
		tell(v, e)
	}
	if s, ok := loop.(interface{ WhenStopped(func()) func() }); ok {
		forget = s.WhenStopped(func() { giveUp(protocol.ErrStopped) })
	}
	d.OnCancel(func() { giveUp(deferred.ErrCancelled) })
	if !c.add(o) {
		giveUp(net.ErrClosed)
	}
	return d
}

// now has the Client do f, and waits for that.
func now[T any](ctx context.Context, c *Client, f task[T], verdict func(error) (T, error)) (v T, err error) {
	if l, ok := c.config.Network.(interface{ OnLoop() bool }); ok && l.OnLoop() {
		panic("ftp: a call on the loop would wait for the loop itself; take the one that returns a Deferred")
	}
	done := make(chan struct{})
	o := newOperation(ctx, f, verdict, func(value T, e error) {
		v, err = value, e
		close(done)
	})
	defer o.cancel(nil)
	if !c.add(o) {
		return verdict(net.ErrClosed)
	}
	select {
	case <-done:
	case <-ctx.Done():
		if c.remove(o) {
			return verdict(ctx.Err())
		}
		<-done
	}
	return v, err
}
