// Package secure is TLS as a layer, by crypto/tls: from the start of a connection,
// or in the middle of it.
//
//	tlsConfig := &tls.Config{Certificates: []tls.Certificate{cert}}
//	f = secure.Config{Server: tlsConfig}.Wrap(f)  // TLS from the start
//	f = secure.Config{Server: tlsConfig}.Offer(f) // in clear, until StartTLS
//
// What a [crypto/tls.Config] can do, both can: several certificates by name,
// application protocols, client certificates, session resumption, versions and
// suites. Clients set Client instead of Server, with a ServerName in it.
//
// # From the start
//
// The factory that Wrap is given builds its protocol when the handshake is done,
// so what it builds never sees a peer that did not get so far: why, the reactor logs
// at Debug. A client whose handshake fails hears ConnectFailed, with a
// [*HandshakeError]. Put limits outside
// of Wrap, so that peers count that stall in the handshake, and what reconnects
// inside. A [Factory] builds from what the handshake came to.
//
// # In the middle
//
// A protocol of Offer starts TLS through its transport, when it has written the
// reply that allows it:
//
//	func (s *session) startTLS() {
//		t, ok := protocol.As[protocol.TLSStarter](s.Conn)
//		if !ok {
//			s.SendLine("454 TLS not available")
//			return
//		}
//		s.SendLine("220 Go ahead")
//		if err := t.StartTLS(); err != nil {
//			s.Abort() // the peer goes on in TLS
//		}
//	}
//
// A layer between, such as telnet, is a TLSStarter whatever is below it, and says
// errors.ErrUnsupported where nobody can. Whether to advertise TLS a protocol knows
// from whoever put Offer around it.
//
// What was written before leaves in clear, what is written afterwards waits until
// it can be encrypted. Input that came before and was not used, a command that the
// peer sent in clear behind its STARTTLS, ends the connection with
// [ErrPlaintextInjected]: whoever stands between could have put it there.
//
// In either case the protocol hears Secured if it is a [protocol.SecuredReceiver],
// and asks its transport for the TLSState if it wants to know more
// ([protocol.TLSStater]).
//
// # The end
//
// LoseConnection and CloseWrite say close_notify behind what was written. The
// peer's close_notify is its end of stream (EOFReceived), and what follows it is
// ignored. A connection that ends without one may have been cut by somebody else:
// its reason is [ErrTruncated].
//
// # On the loop
//
// Callbacks of a tls.Config run on the loop, so they may not block: certificates
// are there already, or come from a [Certificate] that is reloaded elsewhere.
// There is no goroutine and no stack per connection, but for the handshake's.
package secure
