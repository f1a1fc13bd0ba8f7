package protocol_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

// What a layer is asked is answered by the connection.
func TestLayerAsksBelow(t *testing.T) {
	eachStack(t, func(t *testing.T, n int) {
		b := &bare{}
		top, all := stacked(n, b)
		tr := protocoltest.Connect(all)
		tr.Do(func() {
			assert.Equal(t, tr.LocalAddr(), top.LocalAddr())
			assert.Equal(t, tr.RemoteAddr(), top.RemoteAddr())
			assert.Equal(t, tr.Loop(), top.Loop())
			assert.Equal(t, tr.Now(), top.Now())
			assert.Equal(t, 1<<20, top.MaxBacklog())
			assert.ErrorIs(t, top.StartTLS(), errors.ErrUnsupported)
			assert.NoError(t, top.SetNoDelay(true))
			assert.NoError(t, top.SetKeepAlive(time.Minute))
			assert.NoError(t, top.SetOOBInline(true))
			_, secure := top.TLSState()
			assert.False(t, secure)
			assert.Empty(t, top.AvailableBuffer())
		})
		told := ""
		tr.Stall(true)
		tr.Do(func() {
			top.WriteShared([]byte("shared "))
			b.Write([]byte("written"))
			assert.Equal(t, 14, top.Buffered())
			top.Drained(func(err error) { told += fmt.Sprint("drained ", err) })
			top.Ended(func(err error) { told += fmt.Sprint(", ended ", err) })
			top.Ended(func(error) { told += "forgotten" })()
			top.SetReason(errors.New("for fun"))
			top.AfterFunc(time.Second, b.CloseWrite)
		})
		assert.Empty(t, told)
		tr.Stall(false)
		assert.Equal(t, "shared written", tr.Take())
		tr.Advance(time.Second)
		assert.True(t, tr.Closed())
		assert.NoError(t, tr.Lost(), "only our side is closed")
		tr.Do(top.Abort)
		assert.Equal(t, "drained <nil>, ended for fun", told)
		assert.EqualError(t, tr.Lost(), "for fun")
	})
}

// A pipe is a transport that can do no more than it must.
type pipe struct {
	protocol.Transport
	written []byte // the last Write's own argument
}

func (p *pipe) Write(b []byte) (int, error) { p.written = b; return len(b), nil }

// Over a transport that knows nothing of them the optional orders do what is next
// best.
func TestLayerOverAPlainTransport(t *testing.T) {
	host := &bare{}
	tr := protocoltest.Connect(host)
	p, b := &pipe{Transport: tr.Transport}, &bare{}
	top := protocol.Stack(&plain{}, b)
	protocol.Connect(top, p)
	drained := false
	tr.Do(func() {
		text := []byte("text")
		n, err := top.WriteShared(text)
		assert.True(t, n == 4 && err == nil && &p.written[0] == &text[0])
		assert.ErrorIs(t, top.RegisterProducer(&source{}, true), errors.ErrUnsupported)
		top.UnregisterProducer()
		assert.ErrorIs(t, top.StartTLS(), errors.ErrUnsupported)
		_, secure := top.TLSState()
		assert.False(t, secure)
		assert.Equal(t, 1<<20, top.MaxBacklog())
		assert.ErrorIs(t, top.SetNoDelay(true), errors.ErrUnsupported)
		assert.ErrorIs(t, top.SetKeepAlive(0), errors.ErrUnsupported)
		assert.ErrorIs(t, top.SetOOBInline(true), errors.ErrUnsupported)
		top.SetReason(errors.New("unheard"))
		top.Ended(func(error) { t.Error("nobody knows") })()
		top.Drained(func(err error) { drained = err == nil })
		assert.False(t, drained, "in a later event")
	})
	assert.True(t, drained)
}

// An able transport has what none of ours has yet.
type able struct{ *pipe }

func (a able) StartTLS() error { return errTLS }
func (a able) TLSState() (tls.ConnectionState, bool) {
	return tls.ConnectionState{ServerName: "a"}, true
}
func (a able) WriteShared(p []byte) (int, error) { a.written = p; return len(p), nil }
func (a able) MaxBacklog() int                   { return 7 }

func (a able) SetNoDelay(on bool) error           { return fmt.Errorf("no delay: %t", on) }
func (a able) SetKeepAlive(d time.Duration) error { return fmt.Errorf("keep alive: %v", d) }
func (a able) SetOOBInline(on bool) error         { return fmt.Errorf("inline: %t", on) }

var errTLS = errors.New("TLS it would be")

// What the transport can do is done there, through layers.
func TestLayerLeavesToBelow(t *testing.T) {
	eachStack(t, func(t *testing.T, n int) {
		a := able{&pipe{Transport: protocoltest.Connect(&bare{}).Transport}}
		top, all := stacked(n, &bare{})
		protocol.Connect(all, a)
		assert.ErrorIs(t, top.StartTLS(), errTLS)
		state, ok := top.TLSState()
		assert.True(t, ok && state.ServerName == "a")
		assert.Equal(t, 7, top.MaxBacklog())
		assert.EqualError(t, top.SetNoDelay(true), "no delay: true")
		assert.EqualError(t, top.SetKeepAlive(time.Minute), "keep alive: 1m0s")
		assert.EqualError(t, top.SetOOBInline(true), "inline: true")
		text := []byte("text")
		top.WriteShared(text)
		assert.Same(t, &text[0], &a.written[0], "by reference")
	})
}

// Nobody finds anything through a layer, neither upwards nor downwards.
func TestAsStopsAtALayer(t *testing.T) {
	top, all := stacked(2, newChatty())
	protocoltest.Connect(all)
	_, found := protocol.As[*chatty](all)
	assert.False(t, found)
	_, found = protocol.As[able](top)
	assert.False(t, found)
	l, found := protocol.As[*plain](protocol.Transport(top))
	assert.True(t, found && l == top)
	n, found := protocol.As[protocol.Notifier](protocol.Transport(top))
	assert.True(t, found && n == protocol.Notifier(top), "its answer is its own")
}

// A Remote of a layer goes through it, and ends with the connection.
func TestRemoteGoesThroughLayers(t *testing.T) {
	b := &bare{}
	tr := protocoltest.Connect(protocol.Stack(&rot13{}, protocol.Stack(&lagging{}, b)))
	var r *protocol.Remote
	tr.Do(func() { r = protocol.NewRemote(b) })
	_, err := r.Write([]byte("hello"))
	assert.NoError(t, err)
	r.LoseConnection()
	tr.Advance(time.Second)
	assert.Equal(t, "uryyb", tr.Take())
	assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
	_, err = r.Write([]byte("more"))
	assert.ErrorIs(t, err, net.ErrClosed)
}
