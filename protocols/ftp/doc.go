// Package ftp is a file server (RFC 959), and a client for one.
//
//	files := &ftp.Root{Dir: "/srv/pub"}
//	users := ftp.Users{"anonymous": {AnyPassword: true, Account: ftp.Account{Files: files}}}
//	server := ftp.Config{Network: r}.New(users) // r is a reactor
//	port, err := r.Listen("tcp", ":21", server)
//
// A Config with a Backend is a factory.Factory, so what stands around any factory
// stands around this one: limits ([Config.Busy] is their Overflow), traffic logs, the
// PROXY protocol. Data connections are opened through Config.Network, and Config.Data
// puts policies around them, such as a throttle.
//
// # Who may do what
//
// A [Backend] says who somebody is; [Users] knows them by heart. An [Account] says with
// which [Files], and which kinds of commands it may use: to read, unless it says more.
// [Root] are the files of a folder, which no name and no link leaves; [Memory] are for
// tests. Files may block: they are used on goroutines of the loop's pool, and meanwhile
// the session reads no commands, but the loop goes on.
//
// FTP is in clear, passwords included, unless TLS is configured and the client asks for
// it. Config.RequireTLS serves nobody who does not:
//
//	server := ftp.Config{Network: r, TLS: certificate, RequireTLS: true}.New(users)
//
// # Transfers
//
// During a transfer commands wait, but for ABOR and STAT, which are obeyed at once. A
// file that is sent as it is goes by sendfile, where the system has that. An upload
// appears under its name when it is whole: over TLS when the client has said that it
// has ended, for else somebody may have cut it. One that breaks leaves what was there,
// unless it was to be written in place (REST, APPE).
//
// A data connection has to come from the client's own address, and goes nowhere else; a
// stranger who finds the port first is turned away, and the port stays open.
//
// # What is logged
//
// By the logger of the loop: at Info who logs in, and what is done with files; at Warn who
// could not log in; at Error what Files and Backends have got wrong, of which clients are
// told nothing, and that no port is free for data.
//
// There is one line for each upload, download, delete, rename, mkdir, rmdir, chmod and
// touch (MFMT), also if it was refused or cut; none for lists, for who has not logged in,
// and for what is no command:
//
//	ftp: rename peer=192.0.2.9:4021 user=ann path=/a to=/b reply="250 Renamed"
//	ftp: upload peer=192.0.2.9:4021 user=ann path=/c reply="550 Permission denied"
//	ftp: upload peer=192.0.2.9:4021 user=ann path=/c bytes=4096 duration=2s err="the control connection has ended: ..."
//
// The reply is the one that the deed has; there is none where nobody was left to hear it.
// bytes are those that have come, or those of the file that were given to the connection to
// send, of which a client that goes may have got fewer; those before REST are in neither.
// err is what has failed of the network; beside a reply of 226 it says that the client was
// gone when its upload was complete. In clear a client that is killed ends its file as one
// does that has sent all: what it leaves may be a half, also where there is no err. Over
// TLS that is told apart.
//
// # The client
//
//	c := ftp.ClientConfig{Network: r, Addr: "ftp.example.com:21", User: "ann", Password: secret}.New()
//	copied, err := c.GetContext(ctx, "/pub/a.txt", file, 0)
//
// A [Client] does one thing after the other over one connection; its methods answer
// Deferreds, or wait if their names end in Context. TLS is required unless the config
// says otherwise. A transfer has succeeded when its connection has ended well, its
// reply says so and the size is right; what is not whole is aborted. A [Mirror] copies
// folders, and never writes outside of its own. See the example of Client, and of the
// server those of Root and Memory.
//
// # What the server offers
//
// RFC 959 and 1123 with EPSV and EPRT (2428), FEAT and OPTS (2389), SIZE, MDTM, REST,
// MLST and MLSD (3659), UTF-8 (2640), AUTH TLS, PBSZ and PROT (4217), TLS from the
// start, HOST (7151), MFMT, SITE CHMOD and CLNT. Structures, modes and types of old
// machines are refused, and so is CCC.
package ftp
