package chat

import (
	"cmp"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/group"
)

// ErrFull is the answer of [Room.Enter] when MaxMembers are in the room.
var ErrFull = errors.New("chat: the room is full")

// A Room is where people talk. It is the factory of their connections. Its zero
// value is empty and ready; set the fields before anybody enters, and before On.
type Room struct {
	MaxMembers   int // in the room at once; 1000 if zero; negative: no limit
	MaxLine      int // bytes of a line; 1024 if zero
	MaxName      int // characters of a name; 20 if zero
	History      int // lines last said that a newcomer reads first; none if zero
	HistoryBytes int // how long these may be together; 64 KiB if zero

	// Burst lines (10 if zero) may come at once, and then one each Interval (500
	// ms if zero; negative: no limit). Whoever sends faster is throttled: his
	// reading is paused. After Tolerance such lines (60 if zero; negative: any
	// number) without a rest of Burst times Interval he is dropped.
	Burst     int
	Interval  time.Duration
	Tolerance int

	// IdleTimeout drops who has sent no line for so long; nobody if zero.
	IdleTimeout time.Duration

	roll          // who is in the room
	only  *corner // where there is a single loop
	group group.Group
	begun sync.Once
}

var _ factory.Factory = (*Room)(nil)

// BuildProtocol returns the protocol of one who comes from peer.
func (r *Room) BuildProtocol(peer net.Addr) protocol.Protocol { return r.here().BuildProtocol(peer) }

// On returns the factory of connections on one loop of several: all of them are in
// the same room. It may be called from anywhere. Once it was, the Room itself is
// no factory any more, and has no Enter.
//
//	pool.Listen("tcp", addr, func(n factory.Network) factory.Factory { return room.On(n) })
func (r *Room) On(loop protocol.Loop) factory.Factory { return r.corner(loop) }

// Enter greets somebody from host, which becomes the name, tells the others, and
// returns the new member. Everything that he is to read is written to w, which
// usually is a [protocol.Transport]. The error is [ErrFull].
func (r *Room) Enter(w io.Writer, from string) (*Member, error) { return r.here().enter(w, from) }

func (r *Room) here() *corner {
	if r.only == nil {
		r.only = r.corner(nil)
	}
	return r.only
}

// Announce tells everyone the text as a line of the room itself. In a room on
// several loops it may be called from anywhere.
func (r *Room) Announce(text string) {
	line, _ := clean(nil, []byte(strings.TrimSpace(text)))
	r.group.Notify(line, crlf)
}

// Len returns how many members there are. It may be called from anywhere.
func (r *Room) Len() int { return r.roll.len() }

// Names returns the members' names in alphabetical order. It may be called from
// anywhere.
func (r *Room) Names() []string {
	names := r.roll.used()
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a), strings.ToLower(b)), cmp.Compare(a, b))
	})
	return names
}

func (r *Room) maxMembers() int         { return either(r.MaxMembers, 1000) }
func (r *Room) maxLine() int            { return either(r.MaxLine, 1024) }
func (r *Room) maxName() int            { return either(r.MaxName, 20) }
func (r *Room) burst() int              { return either(r.Burst, 10) }
func (r *Room) interval() time.Duration { return either(r.Interval, 500*time.Millisecond) }
func (r *Room) tolerance() int          { return either(r.Tolerance, 60) }

func either[T comparable](v, ifZero T) T {
	var zero T
	if v == zero {
		return ifZero
	}
	return v
}
