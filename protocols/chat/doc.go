// Package chat is a room in which people talk by telnet, nc or a raw socket, one
// line at a time.
//
//	var room chat.Room
//	r.Listen("tcp", "127.0.0.1:12345", &room) // r is a factory.Network
//
// Everyone in the room reads
//
//	X has joined the party.     X is new; told to those already there
//	X changed name to Y
//	X says hello                told to X too
//	* X waves                   X sent /ME waves
//	X has disconnected.         told to those who stay
//
// and is called by the host they come from, until they choose a name. A second
// one from 127.0.0.1 is 127.0.0.1#2. Commands begin with a slash, in any case:
//
//	/NAME bob (or /NICK)        be called bob
//	/WHO (or /NAMES)            list who is here
//	/MSG bob hello              say hello to bob alone
//	/ME waves                   do instead of say
//	/HELP                       list the commands
//	/EXIT (or /QUIT)            leave
//
// A line that begins with // is said with one slash. Empty lines are not said.
//
// # What people cannot do
//
// They cannot forge a line, as far as a terminal shows one line in one row; where
// a long one is wrapped is the terminal's affair. What is said holds no line end, control, escape or
// direction character; bytes that are not UTF-8 arrive as U+FFFD. A chosen name
// has letters, digits, '-', '_' and '.' of one script, among them a letter; so it
// contains no space, cannot be a host's address, and two that differ in case or
// width only, or in letters of another script that look alike, are the same
// ([precis.UsernameCaseMapped], RFC 8265, and the commonest of UTS 39).
//
// They cannot silence others. Whoever sends too much is throttled, told so, and
// dropped if that does not help. A long line is refused and the connection kept.
// Who does not read is dropped by the transport's MaxBacklog and SlowPeerTimeout
// (factory.Socket), and nobody else notices.
//
// # On several loops
//
// Where connections live on several loops, [Room.On] is the factory of each:
//
//	pool.Listen("tcp", addr, func(n factory.Network) factory.Factory { return room.On(n) })
//
// They are in one room. All read one story, in one order, in which a name is one
// person's at a time, and MaxMembers and the numbers of guests count over all
// loops. What somebody is told alone, by /MSG or as an answer, has its place in
// that order, too. Only /WHO looks at who is there now, of which the one who asks
// may not have read everything yet. Who is on a loop that hangs is dropped when
// too much waits for him (see MaxBacklog of package group), and the others read that
// he has gone.
//
// # Without a network
//
// A [Room] needs no network: [Room.Enter] takes anything that can be written to,
// and [Member.Hear] a line. A Room on a single loop belongs to that loop, but for
// Len and Names; other goroutines use it by Call or Ask (see package protocol).
//
// [precis.UsernameCaseMapped]: https://pkg.go.dev/golang.org/x/text/secure/precis
package chat
