package chat

import (
	"cmp"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/group"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/telnet"
)

// ErrFull is the answer of [Room.Enter] when MaxMembers are in the room.
var ErrFull = errors.New("chat: the room is full")

// A Room is where people talk. It is the factory of their connections. Its zero
// value is empty and ready; set the fields before anybody enters.
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

	sessions factory.Factory // over telnet
	group    group.Group
	names    map[string]*Member // by nameKey
	hosts    map[string]*host
	scratch  []byte // for lines that have to be cleaned
	out      []byte // for lines to one member
}

var _ factory.Factory = (*Room)(nil)

// A host is where some of the members come from.
type host struct {
	members int
	last    int // the number that its latest member got
}

// BuildProtocol returns the protocol of one who comes from peer.
func (r *Room) BuildProtocol(peer net.Addr) protocol.Protocol {
	if r.sessions == nil {
		r.sessions = telnet.Config{}.Wrap(factory.Each(r.session))
	}
	return r.sessions.BuildProtocol(peer)
}

func (r *Room) session() protocol.Protocol {
	return line.Config{MaxLength: r.maxLine(), AcceptLF: true}.New(&session{room: r})
}

const greeting = "Welcome to my chat server.\r\n" +
	"Send '/NAME [new name]' to change your name.\r\n" +
	"Send '/EXIT' to quit.\r\n"

// Enter greets somebody from host, which becomes the name, tells the others, and
// returns the new member. Everything that he is to read is written to w, which
// usually is a [protocol.Transport]. The error is [ErrFull].
func (r *Room) Enter(w io.Writer, from string) (*Member, error) {
	if limit := r.maxMembers(); limit >= 0 && len(r.names) >= limit {
		return nil, ErrFull
	}
	if r.names == nil {
		r.names, r.hosts = map[string]*Member{}, map[string]*host{}
	}
	m := &Member{room: r, out: w, host: hostName(from)}
	m.called(r.guestName(m.host))
	io.WriteString(w, greeting)
	r.group.Notify([]byte(m.name), []byte(" has joined the party.\r\n"))
	r.group.History, r.group.HistoryBytes = r.History, r.HistoryBytes
	m.place = r.group.Join(w)
	return m, nil
}

// guestName returns a free name for the next member from a host. Its number is
// not used again while anybody from there is in the room, so that nobody is
// taken for who had it before.
func (r *Room) guestName(from string) string {
	h := r.hosts[from]
	if h == nil {
		h = &host{}
		r.hosts[from] = h
	}
	h.members++
	for {
		h.last++
		name := from
		if h.last > 1 {
			name += "#" + strconv.Itoa(h.last)
		}
		if r.names[nameKey(name)] == nil {
			return name
		}
	}
}

// leave forgets m.
func (r *Room) leave(m *Member) {
	delete(r.names, nameKey(m.name))
	h := r.hosts[m.host]
	if h.members--; h.members == 0 {
		delete(r.hosts, m.host)
	}
}

// Announce tells everyone the text as a line of the room itself.
func (r *Room) Announce(text string) {
	r.group.Notify(r.clean([]byte(strings.TrimSpace(text))), crlf)
}

// Len returns how many members there are.
func (r *Room) Len() int { return len(r.names) }

// Names returns the members' names in alphabetical order.
func (r *Room) Names() []string {
	names := make([]string, 0, len(r.names))
	for _, m := range r.names {
		names = append(names, m.name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a), strings.ToLower(b)), cmp.Compare(a, b))
	})
	return names
}

// called returns the member of that name, in any case; nil if there is none.
func (r *Room) called(name string) *Member { return r.names[nameKey(name)] }

func (r *Room) clean(line []byte) []byte {
	var text []byte
	text, r.scratch = clean(r.scratch, line)
	return text
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
