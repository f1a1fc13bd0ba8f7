package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocol"
)

// A lookup is what net.Resolver's LookupHost does: it blocks.
type lookup func(ctx context.Context, name string) ([]string, error)

// gather begins all look-ups and returns a line for each name, in the order of
// the names, whatever the order of the answers. What has none by the limit says
// so; the others keep theirs.
func gather(l protocol.Loop, f lookup, limit time.Duration, names []string) *deferred.Deferred[[]string] {
	var lines []*deferred.Deferred[string]
	for _, name := range names {
		addrs := resolve(l, f, name).Timeout(l, limit)
		line := deferred.Then(addrs, func(addrs []string) (string, error) {
			return name + ": " + strings.Join(addrs, " "), nil
		})
		lines = append(lines, line.Catch(func(err error) (string, error) {
			return name + ": " + why(err), nil
		}))
	}
	return deferred.All(lines...)
}

func why(err error) string {
	if errors.Is(err, deferred.ErrTimeout) {
		return "no answer in time"
	}
	return err.Error()
}

// resolve makes a Deferred of a call that blocks for a peer. Such calls have a
// goroutine each: the loop's workers are for work that ends by itself.
func resolve(l protocol.Loop, f lookup, name string) *deferred.Deferred[[]string] {
	d := deferred.New[[]string](l)
	ctx, cancel := context.WithCancel(context.Background())
	d.OnCancel(cancel)
	go func() {
		addrs, err := f(ctx, name)
		_ = l.Call(func() { // a loop that has stopped needs no answer
			cancel()
			d.Fire(addrs, err)
		})
	}()
	return d
}
