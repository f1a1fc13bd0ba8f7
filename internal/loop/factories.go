package loop

import (
	"reflect"
	"sync"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// factories counts the uses of those that want to be started and stopped.
type factories struct {
	factoryMu sync.Mutex
	uses      map[factory.Starter]int
}

// startFactory starts f at its first use. stop takes that back; the last stop
// stops f. More than one call of stop is no harm.
func (l *Loop) startFactory(f factory.Factory) (stop func(), err error) {
	s, ok := protocol.As[factory.Starter](f)
	if !ok {
		return func() {}, nil
	}
	if !reflect.TypeOf(s).Comparable() { // it cannot be recognised: every use is its own
		return sync.OnceFunc(func() { l.stopFactory(s) }), s.StartFactory()
	}
	l.factoryMu.Lock()
	defer l.factoryMu.Unlock()
	if l.uses[s] == 0 {
		if err := s.StartFactory(); err != nil {
			return nil, err
		}
	}
	if l.uses == nil {
		l.uses = make(map[factory.Starter]int)
	}
	l.uses[s]++
	return sync.OnceFunc(func() {
		l.factoryMu.Lock()
		l.uses[s]--
		last := l.uses[s] == 0
		l.factoryMu.Unlock()
		if last {
			l.stopFactory(s)
		}
	}), nil
}

// stopFactory runs on the loop, but for a port that is closed before the loop runs.
func (l *Loop) stopFactory(s factory.Starter) {
	if l.OnLoop() {
		l.call("StopFactory", s, s.StopFactory)
	} else {
		s.StopFactory()
	}
}
