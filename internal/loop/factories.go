package loop

import (
	"errors"
	"reflect"
	runtimedebug "runtime/debug"
	"sync"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// Factories counts the uses of those that want to be started and stopped.
type Factories struct {
	factoryMu sync.Mutex
	uses      map[factory.Starter]*use
}

// ErrNoFactory is the answer to a nil Factory.
var ErrNoFactory = errors.New("reactor: a nil Factory builds no protocols")

// A use is one that is used. Its own mutex is held while it is started: it may
// listen with others meanwhile.
type use struct {
	mu    sync.Mutex
	holds int // under factoryMu: who counts on it, or is about to
	count int // under mu
}

// startFactory starts f at its first use. stop takes that back; the last stop
// stops f. More than one call of stop is no harm.
func (l *Loop) startFactory(f factory.Factory) (stop func(), err error) {
	if f == nil {
		return nil, ErrNoFactory
	}
	s, ok := protocol.As[factory.Starter](f)
	if !ok {
		return func() {}, nil
	}
	u := l.hold(s)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.count == 0 {
		if err := start(s); err != nil {
			l.letGo(s, u)
			return nil, err
		}
	}
	u.count++
	var once sync.Once // not OnceFunc, which makes a panic of runtime.Goexit
	return func() {
		once.Do(func() {
			defer l.letGo(s, u)
			u.mu.Lock()
			defer u.mu.Unlock()
			if u.count--; u.count == 0 {
				l.stopFactory(s)
			}
		})
	}, nil
}

// hold returns the use of s. One that cannot be recognised has a use each time.
func (l *Loop) hold(s factory.Starter) *use {
	if !reflect.ValueOf(s).Comparable() {
		return &use{}
	}
	l.factoryMu.Lock()
	defer l.factoryMu.Unlock()
	u := l.uses[s]
	if u == nil {
		if l.uses == nil {
			l.uses = make(map[factory.Starter]*use)
		}
		u = &use{}
		l.uses[s] = u
	}
	u.holds++
	return u
}

func (l *Loop) letGo(s factory.Starter, u *use) {
	l.factoryMu.Lock()
	defer l.factoryMu.Unlock()
	if u.holds--; u.holds == 0 {
		delete(l.uses, s)
	}
}

// start makes an error of a panic.
func start(s factory.Starter) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &protocol.PanicError{Value: v, Stack: runtimedebug.Stack()}
		}
	}()
	return s.StartFactory()
}

// stopFactory runs on the loop, but for a port that is closed before the loop runs.
func (l *Loop) stopFactory(s factory.Starter) {
	if l.OnLoop() {
		l.call("StopFactory", s, s.StopFactory)
	} else {
		s.StopFactory()
	}
}
