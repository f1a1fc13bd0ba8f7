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

func (b *Base) connect(t Transport) {
	if b.Transport != nil {
		panic(Reused)
	}
	b.Transport = t
}

// Reused is what a Protocol panics with that is given a second connection.
const Reused = "torsion: this Protocol has or had a connection already; a Factory builds one for each"

// Connect gives p its transport, which is what makes [Base] work, and then
// calls p.ConnectionMade. Reactors and layers begin every connection with it.
func Connect(p Protocol, t Transport) {
	if b, ok := p.(interface{ connect(Transport) }); ok {
		b.connect(t)
	}
	p.ConnectionMade(t)
}
