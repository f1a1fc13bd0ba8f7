package ftp

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/torsion-go/torsion/protocol"
)

// An operation is one thing that is asked of a Client.
type operation struct {
	cancel context.CancelCauseFunc
	run    func(t *talk)   // on the Client's goroutine
	refuse func(err error) // or this is called, on any
}

// newOperation returns one that does f unless ctx has ended, and tells what came of
// it.
func newOperation[T any](ctx context.Context, f task[T], verdict func(error) (T, error), tell func(T, error)) *operation {
	ctx, cancel := context.WithCancelCause(ctx)
	return &operation{
		cancel: cancel,
		refuse: func(err error) { tell(verdict(err)) },
		run: func(t *talk) {
			if err := context.Cause(ctx); err != nil {
				tell(verdict(err))
				return
			}
			tell(f.contained(ctx, t, verdict))
		},
	}
}

// contained is f. What it reads is the user's, whose panic is an error.
func (f task[T]) contained(ctx context.Context, t *talk, verdict func(error) (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			if t.data != nil {
				_ = t.data.abort()
			}
			t.gone = true
			t.close()
			v, err = verdict(&protocol.PanicError{Value: p, Stack: debug.Stack()})
		}
	}()
	return f(ctx, t)
}

// work is the Client's goroutine. It ends when there is no connection any more, and
// nothing to do.
func (c *Client) work() {
	t := &talk{config: &c.config}
	for {
		o, wait := c.next(t)
		switch {
		case o != nil:
			o.run(t)
		case wait:
			c.idle(t)
		case t.raw != nil:
			t.quit(context.Background())
		default:
			return
		}
	}
}

// next takes the next operation. If there is none it says whether to wait for one;
// the goroutine is over if there is no connection either.
func (c *Client) next(t *talk) (o *operation, wait bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doing = nil
	if len(c.todo) > 0 {
		c.doing = c.todo[0]
		c.todo = slices.Delete(c.todo, 0, 1)
		return c.doing, false
	}
	if t.raw == nil {
		c.working = false
	} else if !c.closed {
		c.waiting = t.raw
		_ = t.raw.SetReadDeadline(by(c.config.Timeouts.Idle)) // fails if it is closed, as the read does
	}
	return nil, c.waiting != nil
}

// idle waits for an operation, and for what the server says meanwhile: that it
// leaves.
func (c *Client) idle(t *talk) {
	_, err := t.wire.in.Peek(1)
	c.mu.Lock()
	wanted := c.waiting == nil
	c.waiting = nil
	c.mu.Unlock()
	switch {
	case !errors.Is(err, os.ErrDeadlineExceeded):
		t.gone = true
		t.close()
	case !wanted:
		t.quit(context.Background())
	}
}

// add puts o behind what is to be done, and reports whether it ever will be.
func (c *Client) add(o *operation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.todo = append(c.todo, o)
	c.interrupt()
	if !c.working {
		c.working = true
		go c.work()
	}
	return true
}

// remove takes o back, if it has not begun.
func (c *Client) remove(o *operation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.todo, o)
	if i >= 0 {
		c.todo = slices.Delete(c.todo, i, i+1)
	}
	return i >= 0
}

// interrupt has the goroutine look again, if it waits.
func (c *Client) interrupt() {
	if c.waiting != nil {
		_ = c.waiting.SetReadDeadline(time.Unix(1, 0))
		c.waiting = nil
	}
}
