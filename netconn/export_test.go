package netconn

import (
	"net"
	"runtime"
)

// WhenGarbage has f called when c is garbage. (A finalizer would not do: c refers
// to itself.)
func WhenGarbage(c net.Conn, f func()) {
	runtime.AddCleanup(c.(*conn), func(f func()) { f() }, f)
}
