//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package socket

import "time"

// zonesLive is how long the name of an interface is believed.
const zonesLive = time.Minute

// zones remembers the names of interfaces, which the addresses of the package
// netip have instead of numbers: to ask for one takes several system calls.
type zones struct {
	until   time.Time
	names   map[uint32]string
	numbers map[string]uint32
}

// fresh forgets what is too old, or too much.
func (z *zones) fresh() {
	if now := time.Now(); now.After(z.until) || len(z.numbers) > 1000 {
		z.until = now.Add(zonesLive)
		z.names, z.numbers = make(map[uint32]string), make(map[string]uint32)
	}
}

func (z *zones) name(scope uint32) string {
	z.fresh()
	name, ok := z.names[scope]
	if !ok {
		name = zoneOf(scope)
		z.names[scope] = name
	}
	return name
}

func (z *zones) number(zone string) uint32 {
	if zone == "" {
		return 0
	}
	z.fresh()
	n, ok := z.numbers[zone]
	if !ok {
		n = scopeOf(zone)
		z.numbers[zone] = n
	}
	return n
}
