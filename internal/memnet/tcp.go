package memnet

import "time"

// Options are what was set of a connection; nothing here goes by them.
type Options struct {
	NoDelay, OOBInline bool
	KeepAlive          time.Duration
}

// SetNoDelay remembers it.
func (k *Kernel) SetNoDelay(fd int, on bool) error {
	return k.setOption(fd, func(o *Options) { o.NoDelay = on })
}

// SetKeepAlive remembers it.
func (k *Kernel) SetKeepAlive(fd int, idle time.Duration) error {
	return k.setOption(fd, func(o *Options) { o.KeepAlive = idle })
}

// SetOOBInline remembers it.
func (k *Kernel) SetOOBInline(fd int, on bool) error {
	return k.setOption(fd, func(o *Options) { o.OOBInline = on })
}

func (k *Kernel) setOption(fd int, set func(o *Options)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	set(&k.socket(fd).options)
	return nil
}

// Options returns what was set of the loop's end while that is open.
func (e *End) Options() Options {
	e.k.mu.Lock()
	defer e.k.mu.Unlock()
	return e.s.peer.options
}
