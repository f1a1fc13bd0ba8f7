package chat_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/chat"
	"github.com/torsion-go/torsion/reactortest"
)

// A screen is a client that shows all it receives.
type screen struct {
	protocol.Base
	seen strings.Builder
	gone bool
}

func (s *screen) DataReceived(data []byte) { s.seen.Write(data) }

func (s *screen) ConnectionLost(error) { s.gone = true }

// Thirty talk at random, some in pieces, some go without a word. Those who
// stay have all seen the same, in the same order.
func TestAllSeeOneOrder(t *testing.T) {
	room := chat.Room{Interval: -1}
	m := reactortest.NewMemory(reactortest.Config{})
	port, err := m.Listen("tcp", "127.0.0.1:0", &room)
	require.NoError(t, err)
	screens := make([]*screen, 30)
	for i := range screens {
		screens[i] = &screen{}
		m.Connect("tcp", port.Addr().String(), factory.Each(func() protocol.Protocol { return screens[i] }))
		m.Settle()
	}
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 1000 {
		s := screens[r.IntN(len(screens))]
		line := fmt.Sprintf("line %d\r\n", n)
		cut := r.IntN(len(line))
		require.NoError(t, m.Call(func() {
			s.Write([]byte(line[:cut]))
			if r.IntN(100) == 0 {
				s.Abort()
			}
		}))
		require.NoError(t, m.Call(func() { s.Write([]byte(line[cut:])) }))
		if r.IntN(4) == 0 {
			m.Settle()
		}
	}
	m.Settle()
	stayed, want := 0, ""
	for _, s := range screens {
		if s.gone {
			continue
		}
		stayed++
		all := s.seen.String()
		_, talk, _ := strings.Cut(all[strings.Index(all, " says "):], "\r\n")
		if want == "" {
			want = talk
		}
		assert.Equal(t, want, talk)
	}
	assert.Equal(t, room.Len(), stayed)
	assert.Greater(t, strings.Count(want, " says "), 500)
	assert.Equal(t, len(screens)-stayed, strings.Count(want, " has disconnected."))
}

// Who comes by a Unix socket has no host.
func TestGuestsWithoutHost(t *testing.T) {
	var room chat.Room
	m := reactortest.NewMemory(reactortest.Config{})
	_, err := m.Listen("unix", "@chat", &room)
	require.NoError(t, err)
	for range 2 {
		m.Connect("unix", "@chat", factory.Each(func() protocol.Protocol { return &screen{} }))
	}
	m.Settle()
	assert.Equal(t, []string{"guest", "guest#2"}, room.Names())
}
