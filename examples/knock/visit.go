package main

import (
	"errors"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// A visit is a client's factory that hears what became of its connection, for
// the program has nothing to do afterwards.
type visit struct {
	factory.Factory
	leave  func()
	failed error // to connect
}

func (v *visit) Connecting(factory.Connector) {}

func (v *visit) ConnectFailed(_ factory.Connector, err error) {
	if !errors.Is(err, protocol.ErrStopped) { // the user has had enough
		v.failed = err
	}
	v.leave()
}

func (v *visit) Disconnected(factory.Connector, error) { v.leave() }
