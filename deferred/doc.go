// Package deferred is for what takes longer than one event: a [Deferred] is the
// (T, error) of a call that has not finished, a [Coroutine] is straight-line
// code that waits for such without blocking the loop.
//
//	func (c *client) hello() *deferred.Deferred[Reply] {
//		c.reply = deferred.New[Reply](c.Loop())
//		c.SendLine("HELLO")
//		return c.reply
//	}
//
//	func (c *client) LineReceived(l []byte) { c.reply.Fire(parse(l)) }
//
// Whoever called hello attaches what follows: [Then] for a step that answers at
// once, [Chain] for one that answers later, Catch for errors, and Done at the
// end. A chain of named steps reads as a table of contents:
//
//	hello := deferred.Chain(dial, (*client).hello)
//	deferred.Then(hello, check).Timeout(loop, time.Minute).Done(report)
//
// The same as a coroutine, which waits where it needs a result:
//
//	deferred.RunOn(t, func(co *deferred.Coroutine) error {
//		reply, err := deferred.Wait(co, c.hello())
//		...
//		return co.Sleep(time.Second)
//	})
//
// The example of [RunOn] waits for one line after the other.
//
// [All] and [First] wait for several, [Go] is for work that blocks, [Every] for
// what repeats, [Await] for goroutines that want an answer from the loop.
//
// # Rules
//
// Where: all of it belongs to the loop, as a Transport does, and takes no locks.
// Only [Await] is for other goroutines; these come to a Deferred by Loop.Call.
//
// Once: a Deferred is fired once and has one continuation, for a result has one
// owner: a second Fire, and a second Then, Chain, Catch, Timeout, Done, All,
// First or Wait for the same Deferred, panic. Each step returns a new Deferred:
// go on from that one. Steps are called one after the other, never from inside
// each other, so a chain of any length needs no more stack than a short one. A
// step attached to what has fired already runs at once.
//
// Errors: an error skips the steps until a Catch or Done. One that nobody has
// attached to when the next posted call has run is logged, by the logger of the
// loop if it has one (a Logger method), else by slog.Default. A Deferred knows
// its loop from New, Go, Run, After, Every, Timeout, or from the one it follows.
// Where none is known, as with the zero value and [Fired], it is logged when the
// Deferred is garbage. [ErrCancelled] is not logged: somebody asked for it.
//
// Panics: a panic in a step, in a coroutine or in work is logged with its stack
// and becomes the *protocol.PanicError of the Deferred that the step would have
// fired. One in an OnCancel function or in the Close of a result is only logged.
// Done has none to fire: a panic there goes up to whoever fired the chain.
//
// Cancel: ask the last Deferred of a chain, it reaches the innermost wait. What
// was cancelled fires with ErrCancelled, unless its maker (OnCancel) or a Catch
// says otherwise. A result that comes too late, or of which nobody hears because
// others failed, is closed if it is an io.Closer.
package deferred
