// Package heap has a server tell how much memory is in use: what runtime and RSS do
// not give back hides that.
package heap

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// Tell prints "heap" and the bytes of objects and of stacks in use, after a garbage
// collection, for each SIGUSR1.
func Tell() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	go func() {
		for range c {
			var m runtime.MemStats
			runtime.GC()
			runtime.GC() // what pools held the first left
			runtime.ReadMemStats(&m)
			fmt.Println("heap", m.HeapAlloc, m.StackInuse)
		}
	}()
}
