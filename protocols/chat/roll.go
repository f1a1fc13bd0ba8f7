package chat

import (
	"strconv"
	"sync"
)

// A roll says who is in a room, on whichever loop. It is locked, never for longer
// than a look takes.
//
// A name belongs to nobody else from before the room is told of it until after
// the room is told that it is used no more. So in what everyone reads, in one
// order, no name is two people's at once.
//
//	free --admit--> held --seat--> used --leave, rename--> held --release--> free
type roll struct {
	mu    sync.Mutex
	names map[string]*Member // by nameKey; nil: held
	hosts map[string]*host
	count int // of members
}

// A host is where some of the members come from.
type host struct {
	members int
	last    int // the number that its latest member got
}

// admit counts a new member, unless there are limit, and holds a name for him. Its
// number is not used again while anybody from there is in the room, so that nobody
// is taken for who had it before.
func (r *roll) admit(from string, limit int) (name, key string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if limit >= 0 && r.count >= limit {
		return "", "", false
	}
	if r.names == nil {
		r.names, r.hosts = map[string]*Member{}, map[string]*host{}
	}
	h := r.hosts[from]
	if h == nil {
		h = &host{}
		r.hosts[from] = h
	}
	r.count++
	h.members++
	for {
		h.last++
		name = from
		if h.last > 1 {
			name += "#" + strconv.Itoa(h.last)
		}
		key = nameKey(name)
		if _, taken := r.names[key]; !taken {
			r.names[key] = nil
			return name, key, true
		}
	}
}

// seat lets others find m.
func (r *roll) seat(m *Member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names[m.key] = m
}

// rename gives m another name, if that is free, and holds the one he had.
func (r *roll) rename(m *Member, name, key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if other, taken := r.names[key]; taken && other != m {
		return false
	}
	r.names[m.key] = nil
	r.names[key] = m
	m.called(name, key)
	return true
}

// leave forgets m, but for his name, which is held.
func (r *roll) leave(m *Member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names[m.key] = nil
	r.count--
	h := r.hosts[m.host]
	if h.members--; h.members == 0 {
		delete(r.hosts, m.host)
	}
}

// release frees a name that was held.
func (r *roll) release(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.names, key)
}

// find returns the member of that name, in any case, and how he writes it; nil if
// there is none.
func (r *roll) find(name string) (m *Member, called string) {
	key := nameKey(name)
	r.mu.Lock()
	defer r.mu.Unlock()
	if m = r.names[key]; m != nil {
		called = m.name
	}
	return m, called
}

func (r *roll) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// used returns the names, in no order.
func (r *roll) used() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := make([]string, 0, len(r.names))
	for _, m := range r.names {
		if m != nil {
			names = append(names, m.name)
		}
	}
	return names
}
