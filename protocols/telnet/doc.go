// Package telnet is the telnet protocol (RFC 854, RFC 855) as a layer: it stands
// below the lines of a session and takes telnet's commands out of them.
//
//	f = telnet.Config{}.Wrap(f)
//
// Below a session that knows nothing of it, it refuses every option and says
// nothing unasked, so nc and programs that use a plain socket notice no
// difference. A session that wants more asks for its Conn:
//
//	func (l *login) LineReceived(name []byte) {
//		telnet.Of(l.Conn).HideInput()
//		l.SendLine("Password:")
//	}
//
// and hears what the peer tells by implementing [WindowWatcher],
// [TerminalWatcher], [CommandReceiver], [OptionWatcher] or
// [SubnegotiationReceiver].
//
// Options are negotiated by the Q method (RFC 1143), so no loop comes about:
// nothing is said but what the session asks for and answers to what the peer
// asks for. All that is remembered is bounded. A peer that asks without end and
// never reads the answers is not read any further.
//
// Lines end with CR LF; CR NUL, which clients send for the Enter key in character
// mode, is handed up as CR LF too (RFC 1123, section 3.3.1). Text that is no
// telnet stays what it is: a byte 255 that no command follows is dropped and
// nothing else.
//
// A client's interrupt key sends IP and a Synch, whose DM is urgent data; the
// layer has it stay in the stream (SO_OOBINLINE). Input before the IP is handed up
// first; what of it should be forgotten is for the session to decide (for lines,
// ClearLineBuffer).
//
// RFC 1123, section 3.2.2, wants SGA offered and accepted by everybody. Clients of
// today take the agreement for character mode, in which they send each key at once
// and people cannot correct what they type, so that is left to Config.Offer and
// Config.Grant.
package telnet
