package reactortest

import "github.com/torsion-go/torsion/factory"

// wrapped is a reactor that has a layer under everything that factories build.
type wrapped struct {
	Reactor
	network factory.Network
	wrap    func(f factory.Factory, client bool) factory.Factory
}

// Inner has the reactor's other abilities.
func (w wrapped) Inner() any { return w.Reactor }

func (w wrapped) Listen(network, addr string, f factory.Factory) (factory.Port, error) {
	return w.network.Listen(network, addr, w.wrap(f, false))
}

func (w wrapped) Connect(network, addr string, f factory.Factory) factory.Connector {
	return w.network.Connect(network, addr, w.wrap(f, true))
}

func (w wrapped) Tuned(s factory.Socket) factory.Network {
	return wrapped{w.Reactor, w.Reactor.Tuned(s), w.wrap}
}

// bare is the reactor without the layer.
func (w *world) bare() Reactor {
	if r, ok := w.Reactor.(wrapped); ok {
		return r.Reactor
	}
	return w.Reactor
}
