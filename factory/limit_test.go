package factory_test

import (
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

func ExampleLimit() {
	limit := &factory.Limit{Total: 2}
	f := limit.Around(factory.Each(func() protocol.Protocol { return &probe{} }))
	first, second := f.BuildProtocol(nil), f.BuildProtocol(nil)
	fmt.Println(first != nil, second != nil, f.BuildProtocol(nil) != nil)
	first.ConnectionLost(protocol.ErrConnectionDone)
	fmt.Println(f.BuildProtocol(nil) != nil)
	// Output:
	// true true false
	// true
}

func host(s string) net.Addr {
	a, err := net.ResolveTCPAddr("tcp", s)
	if err != nil {
		panic(err) // it is a literal
	}
	return a
}

// One above the limit is refused, and served when another has ended.
func TestLimitCountsConnections(t *testing.T) {
	m := network()
	f, built := probes(probe{})
	listen(t, m, (&factory.Limit{Total: 2}).Around(f))
	clients, peers := probes(probe{})
	connect(m, clients, 3)
	assert.Len(t, *built, 2)
	assert.Error(t, (*peers)[2].reason)
	do(t, m, (*built)[0].LoseConnection)
	connect(m, clients, 2)
	assert.Len(t, *built, 3)
	stop(t, m)
}

// A peer is a host, whatever its port; of an IPv6 network it has all addresses.
func TestLimitKnowsPeersByHost(t *testing.T) {
	f, _ := probes(probe{})
	l := (&factory.Limit{PerPeer: 1}).Around(f)
	for _, same := range [][2]string{
		{"192.0.2.1:1", "192.0.2.1:2"},
		{"192.0.2.2:1", "[::ffff:192.0.2.2]:1"},
		{"[2001:db8::1]:1", "[2001:db8::2:0:0:1]:1"},
	} {
		assert.NotNil(t, l.BuildProtocol(host(same[0])), same)
		assert.Nil(t, l.BuildProtocol(host(same[1])), same)
	}
	assert.NotNil(t, l.BuildProtocol(host("[2001:db8:0:1::1]:1")), "another network")
	assert.NotNil(t, l.BuildProtocol(host("[fe80::1]:1")))
	assert.NotNil(t, l.BuildProtocol(host("[fe80::2]:1")), "another host of the same link")
	assert.NotNil(t, l.BuildProtocol(&net.UnixAddr{Net: "unix"}))
	assert.Nil(t, l.BuildProtocol(&net.UnixAddr{Net: "unix", Name: "@client"}))
}

// Those above the limit are told so by the overflow factory, and when there are
// as many of these they are refused.
func TestLimitOverflows(t *testing.T) {
	m := network()
	f, built := probes(probe{})
	busy, told := probes(probe{made: func(t protocol.Transport) {
		t.Write([]byte("421 too busy\r\n"))
		t.LoseConnection()
	}})
	listen(t, m, (&factory.Limit{Total: 1, Overflow: busy}).Around(f))
	var heard []byte
	// Clients that keep their side open, so that their slots stay taken.
	client := func() protocol.Protocol {
		return &keeper{probe{data: func(_ protocol.Transport, data []byte) { heard = append(heard, data...) }}}
	}
	connect(m, factory.Each(client), 3)
	assert.Len(t, *built, 1)
	assert.Len(t, *told, 1)
	assert.Equal(t, "421 too busy\r\n", string(heard))
	stop(t, m)
}

// A keeper keeps its side open when the peer ends its own.
type keeper struct{ probe }

func (k *keeper) EOFReceived() bool { return true }

// A factory that builds nothing, or panics, keeps no slot, nor does a protocol
// that panics at its end.
func TestLimitLeaksNoSlot(t *testing.T) {
	var build func() protocol.Protocol
	f := (&factory.Limit{Total: 1, PerPeer: 1}).Around(factory.Each(func() protocol.Protocol { return build() }))
	build = func() protocol.Protocol { return nil }
	assert.Nil(t, f.BuildProtocol(nil))
	build = func() protocol.Protocol { panic("build") }
	assert.Panics(t, func() { f.BuildProtocol(nil) })
	build = func() protocol.Protocol { return &probe{lost: func(error) { panic("lost") }} }
	p := f.BuildProtocol(nil)
	require.NotNil(t, p)
	assert.Panics(t, func() { p.ConnectionLost(protocol.ErrConnectionDone) })
	assert.NotNil(t, f.BuildProtocol(nil))
}

// Loops share a limit.
func TestLimitIsShared(t *testing.T) {
	limit := &factory.Limit{Total: 3, PerPeer: 2}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			f := limit.Around(factory.Each(func() protocol.Protocol { return &probe{} }))
			for range 1000 {
				if p := f.BuildProtocol(host(fmt.Sprintf("192.0.2.%d:1", i%2))); p != nil {
					p.ConnectionLost(protocol.ErrConnectionDone)
				}
			}
		})
	}
	wg.Wait()
	f := limit.Around(factory.Each(func() protocol.Protocol { return &probe{} }))
	assert.NotNil(t, f.BuildProtocol(host("192.0.2.0:1")))
	assert.NotNil(t, f.BuildProtocol(host("192.0.2.0:1")))
	assert.Nil(t, f.BuildProtocol(host("192.0.2.0:1")))
	assert.NotNil(t, f.BuildProtocol(host("192.0.2.1:1")))
	assert.Nil(t, f.BuildProtocol(host("192.0.2.1:1")))
}
