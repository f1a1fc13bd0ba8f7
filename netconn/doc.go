// Package netconn has the connections of a reactor as package net has its own: a
// [net.Conn], a [net.Listener] and a dialer. So libraries that were written for
// goroutines run on a reactor, beside its protocols and behind its policies.
//
// A server behind limits, on a reactor that runs:
//
//	go r.Run(ctx)
//	l, err := netconn.Listen(r, "tcp", ":8080", limit.Around, idle.Around)
//	err = http.Serve(l, handler)
//
// and a client, here with TLS below its connection:
//
//	d := netconn.Dialer{Network: r, Wrap: secure.Config{Client: tlsConfig}.Wrap}
//	c, err := d.Dial("tcp", "mail.example.com:465")
//	client, err := smtp.NewClient(c, "mail.example.com")
//
// # HTTP over TLS
//
// net/http speaks HTTP/2, and sets Request.TLS, only on connections that it encrypts
// itself, or that are *tls.Conn. So a server that wants these listens without TLS:
//
//	l, err := netconn.Listen(r, "tcp", ":8443", limit.Around)
//	err = server.ServeTLS(l, "", "") // by its TLSConfig
//
// Over secure.Config.Wrap it speaks HTTP/1.1, and NextProtos may not offer h2, which
// the client would then speak. What the handshake came to the connection has, for
// http.Server.ConnContext to remember: protocol.TLSStater.
//
// # What is as in package net
//
// All of the interfaces' promises. A Write is done when the loop has the bytes: it
// may wait while 64 KiB are on the way to the loop, and the peer waits while as
// many have not been read. Deadlines go by the wall clock and end calls that wait
// already. Errors are *net.OpError around os.ErrDeadlineExceeded, net.ErrClosed,
// the errno of a system call, or why the connection ended (factory.ErrIdle,
// protocol.ErrShutdown); io.EOF is bare. Addresses are *net.TCPAddr or *net.UnixAddr.
// Connections have the methods CloseWrite and Abort, and are a protocol.TLSStater: a handshake is
// over when Accept or Dial returns the connection.
//
// # What is not
//
// Close does not throw away what the peer has not taken yet: it is delivered as by
// protocol.Transport's LoseConnection. The loop does that, so a program that must
// not lose it ends by stopping the reactor. That ends the connections that are open:
// what was written is delivered, and whoever reads or writes is told
// protocol.ErrShutdown. A server with requests under way is stopped before, in
// BeforeShutdown.
//
// Methods are for goroutines. On the loop, which would wait for itself, one that has
// to wait panics: Accept and Dial at once, Read and Write after a second. Who waits
// does so on his own goroutine: a connection has none, and it holds a buffer only
// while there is something in it.
package netconn
