package protocol

// Base can be embedded in a Protocol that only cares for some events. It holds
// the Transport, so the Protocol can say p.Write, and its methods need not be
// called by those that hide them:
//
//	type discard struct{ protocol.Base }
//
//	func (d *discard) DataReceived([]byte) {}
type Base struct {
	Transport
}

// ConnectionMade does nothing: the Transport is there already.
func (b *Base) ConnectionMade(Transport) {}

// ConnectionLost does nothing.
func (b *Base) ConnectionLost(error) {}

func (b *Base) connect(t Transport) { b.Transport = t }

// Connect gives p its transport, which is what makes [Base] work, and then
// calls p.ConnectionMade. Reactors and layers begin every connection with it.
func Connect(p Protocol, t Transport) {
	if b, ok := p.(interface{ connect(Transport) }); ok {
		b.connect(t)
	}
	p.ConnectionMade(t)
}
