package protocol

import (
	"reflect"
	"runtime"
)

// LoseConnection ends the connection of p, of which t is the transport, as p's own
// user would: through the layers above, so that they deliver what they hold back
// and say what is to be said before the end, as TLS has to. Whoever ends a
// connection from below, as a policy does, calls it instead of t.LoseConnection:
//
//	func (p *patient) silent() { protocol.LoseConnection(p.Protocol, p.transport) }
func LoseConnection(p Protocol, t Transport) {
	if _, l := through(p); l != nil {
		t = l.self
	}
	t.LoseConnection()
}

// NameOf returns the type of the user's own object inside x, for logs, and of a function
// its name. It sees it through layers also.
func NameOf(x any) string {
	user, _ := through(x)
	if user == nil {
		return "nobody"
	}
	if v := reflect.ValueOf(user); v.Kind() == reflect.Func && !v.IsNil() {
		return runtime.FuncForPC(v.Pointer()).Name()
	}
	return reflect.TypeOf(user).String() // which costs no memory
}

// through goes from x upwards, through wrappers and layers, and returns what it
// came to and the last layer on the way, if there is any.
func through(x any) (user any, last *Layer) {
	for {
		next := any(nil)
		switch w := x.(type) {
		case interface{ base() *Layer }:
			last, next = w.base(), w.base().Above
		case interface{ Inner() any }:
			next = w.Inner()
		}
		if next == nil {
			return x, last
		}
		x = next
	}
}
