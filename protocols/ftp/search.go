package ftp

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// triesPerTurn is how many ports a session tries before others have their turn: nearly
// all of a large range may be taken.
const triesPerTurn = 32

// A search looks for a port on which to listen for the client: in turn, from a random one
// on, at the address that the client knows; anywhere, if that is not ours. Meanwhile
// nothing is read.
type search struct {
	s     *session
	local netip.Addr
	first int // of the range, at which it began
	tried int
	tell  func(port int)
}

// listen opens a port for the client, in place of what there was, and tells which.
func (s *session) listen(tell func(port int)) {
	s.data.drop()
	f := &search{s: s, local: hostOf(s.LocalAddr()), tell: tell}
	f.first = rand.IntN(f.size())
	f.goOn()
}

// size is that of the range: one, if that is any port.
func (f *search) size() int {
	return max(1, int(f.s.server.PassiveMax)-int(f.s.server.PassiveMin)+1)
}

// goOn tries as many as it may in this turn.
func (f *search) goOn() {
	for range triesPerTurn {
		p, err := f.try()
		switch {
		case errors.Is(err, syscall.EADDRNOTAVAIL) && f.local.IsValid() && !f.local.IsUnspecified():
			f.local, f.tried = netip.IPv6Unspecified(), 0
		case errors.Is(err, syscall.EADDRINUSE) && f.tried+1 < f.size():
			f.tried++
		default:
			f.end(p, err)
			return
		}
	}
	if !f.s.busy {
		f.s.busy = true
		f.s.PauseReading()
	}
	_ = f.s.Loop().Call(f.again) // one that has stopped has ended the session
}

func (f *search) try() (factory.Port, error) {
	port := int(f.s.server.PassiveMin) + (f.first+f.tried)%f.size()
	return f.s.data.network(netip.Addr{}).Listen("tcp", net.JoinHostPort(f.local.String(), strconv.Itoa(port)), f.s.data.door())
}

// again goes on in another turn, unless the session is over.
func (f *search) again() {
	if !f.s.left {
		f.goOn()
	}
}

func (f *search) end(p factory.Port, err error) {
	s := f.s
	switch {
	case errors.Is(err, protocol.ErrStopped):
		s.reply(425, "Service is shutting down")
	case err != nil:
		f.log(err)
		s.reply(425, "No port is free")
	default:
		s.data.expect(p)
		f.tell(p.Addr().(*net.TCPAddr).Port)
	}
	if s.busy {
		s.busy = false
		s.release()
	}
}

// log tells which ports are in use: not the last of them, which err names.
func (f *search) log(err error) {
	log := f.s.logger().With("peer", f.s.RemoteAddr())
	low, high := f.s.server.PassiveMin, f.s.server.PassiveMax
	if errors.Is(err, syscall.EADDRINUSE) && high > 0 {
		log.Error("ftp: all ports for data are in use", "ports", fmt.Sprintf("%d-%d", low, high), "decides", "Config.PassiveMin and PassiveMax")
	} else {
		log.Error("ftp: cannot listen for data", "err", err)
	}
}
