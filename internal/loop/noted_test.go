package loop_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/memnet"
	"github.com/torsion-go/torsion/protocol"
)

type noted struct {
	protocol.Base
	log    []string
	onMade func()
	onData func([]byte)
	onLost func(error)
	reason error
}

func (p *noted) ConnectionMade(protocol.Transport) {
	if p.onMade != nil {
		p.onMade()
	}
}
func (p *noted) DataReceived(b []byte) {
	p.log = append(p.log, "data "+string(b))
	if p.onData != nil {
		p.onData(b)
	}
}
func (p *noted) ConnectionLost(err error) {
	p.reason = err
	p.log = append(p.log, "lost")
	if p.onLost != nil {
		p.onLost(err)
	}
}

var anAddr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}

func adopted(t *testing.T, k *memnet.Kernel, p protocol.Protocol, s factory.Socket, head []byte) *memnet.End {
	fd, end := k.Pair(anAddr, anAddr)
	require.NoError(t, k.Loop.Adopt(fd, anAddr, factory.Each(func() protocol.Protocol { return p }), s, head))
	return end
}
