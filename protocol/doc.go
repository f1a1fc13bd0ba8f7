// Package protocol has the two sides of every connection: a Protocol hears what
// happens on it, a Transport carries out what the Protocol wants. Neither knows
// sockets; a reactor joins them.
//
//	type echo struct{ protocol.Base }
//
//	func (e *echo) DataReceived(data []byte) { e.Write(data) }
//
// # Four answers
//
// On which goroutine does my callback run? On the loop: one goroutine per
// reactor runs every event, timer and posted call of all its connections, one
// at a time, so what only they touch needs no lock. No event comes from inside
// another one, nor from inside a Transport's method. Only [Loop].Call, [Ask] and
// a [Remote] are for other goroutines. Any other use of a Transport there is a
// mistake, and panics where it is noticed: always when the loop is between two
// events, in builds with -race or the tag torsion_debug without exception.
//
// May I block? No: while a callback runs, all other connections of its reactor
// wait. What takes long goes to a goroutine (a [Worker] has some), and comes
// back by Call. Config.Watchdog of package reactor names who blocks.
//
// Who owns the bytes? What DataReceived and its like are given is lent until
// they return; the next event overwrites it (builds with -race or torsion_debug
// do so at once). They may change it, and copy what they keep. Write copies
// what it is given, so the caller may use it again at once.
//
// What happens after the close? LoseConnection delivers what was written, Abort
// does not. After either, no further event comes but the last: ConnectionLost,
// once, with the reason, and never before the method that caused it returned.
// Write answers [net.ErrClosed] from then on and does nothing; every other
// method stays legal for ever and does nothing either.
package protocol
