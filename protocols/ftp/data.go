package ftp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// A state is how far a data connection has come.
type state uint8

const (
	idle      state = iota // there is none
	listening              // for the client, after PASV
	ready                  // the client is here; it is not read
	active                 // PORT has said where to
	opening                // a command has come; the file, the peer or TLS has not
	moving                 // bytes move
	flushing               // all bytes of an upload are here, and not yet on the disk
)

// A channel is the data connection of a session, and what moves over it:
//
//	idle --PASV--> listening --peer--> ready --+
//	idle --PORT--> active ---------------------+--RETR, STOR, ...--> opening --> moving --> idle
//	                                                                   an upload's  `-> flushing --> idle
//
// From opening on the session's commands wait, but for ABOR and STAT.
type channel struct {
	s      *session
	doors  factory.Factory // of all its data connections; nil before the first
	state  state
	before state          // what it was before opening
	port   factory.Port   // listening
	to     netip.AddrPort // active
	dial   factory.Connector
	conn   *dataConn
	timer  clock.Timer

	refused *dataConn // of an upload: what still comes is thrown away

	job    transfer
	began  time.Time // the transfer
	opened bool      // the file is
	met    bool      // a stranger has come
	over   bool      // nothing more is to happen but what has to be said
	jobs   int       // that workers have
	words  []Error
	why    error // the connection has failed

	aborted bool // ABOR has come too late, and is answered behind that
}

// A transfer is what moves over a channel. open and what closer returns run on
// workers, the rest on the loop.
type transfer interface {
	open() error
	start(t protocol.Transport)
	received(p []byte)
	resumed()             // more is read, after a pause
	eof()                 // the peer will send no more
	lost(reason error)    // the connection has ended, and it has not been told eof
	closer() func() error // what there is to close; nil if nothing
	moved() int64
	path() string     // of the file; empty for a list
	greeting() string // when it is open
}

// passiveTimeout is how long a port waits for a client that never says why.
const passiveTimeout = time.Minute

// transferring reports whether commands have to wait.
func (c *channel) transferring() bool { return c.state >= opening }

// drop forgets a connection that nothing moves over.
func (c *channel) drop() {
	c.stopTimer()
	c.closePort()
	if c.dial != nil {
		c.dial.Stop()
		c.dial = nil
	}
	if d := c.conn; d != nil {
		c.conn = nil
		d.Abort()
	}
	if !c.transferring() {
		c.state = idle
	}
}

func (c *channel) closePort() {
	switch p := c.port.(type) {
	case nil:
	case factory.LoopCloser:
		p.CloseOnLoop()
	default:
		p.Close()
	}
	c.port = nil
}

func (c *channel) stopTimer() {
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
}

// within has f called if nothing else happens for so long.
func (c *channel) within(d time.Duration, f func()) {
	c.stopTimer()
	c.timer = c.s.Loop().AfterFunc(d, f)
}

// expect waits for the client at a port.
func (c *channel) expect(p factory.Port) {
	c.port, c.state = p, listening
	c.within(passiveTimeout, c.drop)
}

// welcome reports whether a connection from there is the client's.
func (c *channel) welcome(peer net.Addr) bool {
	waits := c.conn == nil && !c.over && (c.state == listening || c.state == opening)
	return waits && c.s.server.DataPeer(c.s.RemoteAddr(), peer)
}

// arrived is called with the connection that was waited for, which does not read yet.
func (c *channel) arrived(d *dataConn) {
	c.conn = d
	c.closePort()
	switch {
	case c.state == listening:
		c.stopTimer()
		c.state = ready
	case c.opened:
		c.secure()
	}
}

// begin has t move over the connection, when that and the file are there.
func (c *channel) begin(t transfer) {
	s := c.s
	switch {
	case c.state == idle:
		c.turnDown(t, Error{425, "PASV or PORT first"})
		return
	case s.server.RequireTLS && !s.private:
		c.turnDown(t, Error{521, "Data connections have to be encrypted: PROT P first"})
		return
	}
	c.before, c.state, c.job, c.opened, c.began = c.state, opening, t, false, s.Now()
	c.stopTimer()
	c.work(t.open, c.fileOpened)
}

// work runs f on a worker, and goes on unless the transfer is over by then.
func (c *channel) work(f func() error, then func(error)) {
	c.jobs++
	deferred.Go(c.s.Loop(), func(context.Context) (struct{}, error) { return struct{}{}, f() }).Done(func(_ struct{}, err error) {
		if errors.Is(err, protocol.ErrStopped) {
			return // it may still run: nobody will hear of it
		}
		c.jobs--
		if !c.over {
			then(err)
		} else if c.jobs == 0 {
			c.finish()
		}
	})
}

func (c *channel) fileOpened(err error) {
	s := c.s
	if err != nil {
		job := c.job
		c.job = nil
		if c.state = c.before; c.conn != nil {
			c.state = ready
		}
		if c.state == listening {
			c.within(passiveTimeout, c.drop)
		}
		c.turnDown(job, *s.errorOf(err))
		s.release()
		return
	}
	c.opened = true
	s.reply(150, c.job.greeting())
	c.within(s.server.OpenTimeout, func() { c.end(Error{425, "The data connection has not come about"}) })
	switch {
	case c.conn != nil:
		c.secure()
	case c.before == active:
		c.connect(hostOf(c.s.LocalAddr()))
	default:
		c.maroon()
	}
}

// maroon ends a transfer that waits for its client at a port, if the server goes down:
// that has closed the port.
func (c *channel) maroon() {
	if c.s.ending && c.state == opening && c.opened && c.conn == nil && c.dial == nil {
		c.end(Error{425, "Service is shutting down"})
	}
}

// secure has the connection encrypted, if that is wanted.
func (c *channel) secure() {
	if !c.s.private {
		c.move()
		return
	}
	t, ok := protocol.As[protocol.TLSStarter](c.conn.Transport)
	if !ok || t.StartTLS() != nil {
		c.end(Error{425, "No TLS"})
	}
}

// secured is called when it is.
func (c *channel) secured(state tls.ConnectionState) {
	switch {
	case c.over || c.state != opening:
	case c.s.server.RequireReuse && !state.DidResume:
		c.end(Error{522, "Resume the session of the control connection"})
	default:
		c.move()
	}
}

func (c *channel) move() {
	c.state = moving
	c.stopTimer()
	c.conn.ResumeReading()
	c.job.start(c.conn.Transport)
}

// lost is called when a connection has ended.
func (c *channel) lost(d *dataConn, reason error) {
	if c.refused == d {
		c.refused = nil
	}
	if c.conn != d {
		return
	}
	c.conn = nil
	switch {
	case c.state == ready:
		c.state = idle
	case c.over || c.state == flushing:
	case c.state == opening:
		c.fail(Error{425, "The data connection has failed"}, reason)
	case c.state == moving:
		c.job.lost(reason)
	}
}

// broke is the end of a transfer whose connection has failed.
func (c *channel) broke(why error) { c.fail(Error{426, "The data connection has failed"}, why) }

// fail is the end of a transfer for a reason that the log tells.
func (c *channel) fail(e Error, why error) {
	c.why = why
	c.end(e)
}

// end is the end of the transfer. A word of 400 and above is that of a failure.
func (c *channel) end(words ...Error) {
	if c.over {
		return
	}
	c.over, c.words = true, words
	c.log(words)
	if len(words) > 0 && words[0].Code < 400 {
		c.s.forgive()
		c.part()
	}
	c.drop()
	if c.jobs == 0 {
		c.finish()
	}
}

// refuse is the end of an upload that we do not want more of, with a FIN and not a reset:
// that would fail the client's next send, and most never look for a reply then. What still
// comes is thrown away for a while, of one upload in a session at a time.
func (c *channel) refuse(e Error) {
	if d := c.refused; d != nil {
		d.Abort()
	}
	c.refused = c.conn
	c.part()
	c.end(e)
}

// part ends the connection, if there still is one, in peace.
func (c *channel) part() {
	if d := c.conn; d != nil {
		c.conn = nil
		d.LoseConnection()
	}
}

// finish closes the file, says how it went, and goes on with the session.
func (c *channel) finish() {
	job := c.job
	c.job = nil
	if job != nil {
		if f := job.closer(); f != nil {
			c.work(f, nil) // and then comes here again
			return
		}
	}
	c.finished()
}

// finished is the last of it.
func (c *channel) finished() {
	words := c.words
	if c.aborted {
		words = append(words, wasAborted)
	}
	c.state, c.over, c.opened, c.words, c.why, c.aborted = idle, false, false, nil, nil, false
	for _, w := range words {
		c.s.reply(w.Code, w.Text)
	}
	c.s.awaitCommand()
	c.s.release()
}

// wasAborted is what ABOR is answered.
var wasAborted = Error{226, "Aborted"}

// abort ends what there is, for ABOR.
func (c *channel) abort() {
	switch {
	case c.state == flushing || c.over:
		c.aborted = true
	case c.transferring():
		c.end(Error{426, "Transfer aborted"}, wasAborted)
	default:
		c.drop()
		c.s.reply(wasAborted.Code, wasAborted.Text)
	}
}

// leave ends what there is when nobody is there any more who cares. An upload whose
// bytes are all here is still completed.
func (c *channel) leave() {
	switch {
	case c.state == flushing || c.over:
	case c.transferring():
		c.end()
	default:
		c.drop()
	}
}
