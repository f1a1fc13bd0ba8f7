package secure_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/reactortest"
)

// A parrot repeats what it hears, and says how it is connected.
type parrot struct{ line.Base }

func (p *parrot) LineReceived(l []byte) {
	if string(l) == "STARTTLS" {
		p.startTLS()
		return
	}
	p.SendLine("you said " + string(l))
}

func (p *parrot) startTLS() {
	t, ok := protocol.As[protocol.TLSStarter](p.Conn)
	if !ok {
		p.SendLine("454 TLS not available")
		return
	}
	p.SendLine("220 Go ahead")
	if t.StartTLS() != nil {
		p.Abort()
	}
}

func (p *parrot) Secured(state tls.ConnectionState) {
	fmt.Println("server: over", tls.VersionName(state.Version))
}

// A teller says one line when it may, and starts TLS if it is told to.
type teller struct{ line.Base }

func (c *teller) Secured(tls.ConnectionState) { c.SendLine("hello") }

func (c *teller) LineReceived(l []byte) {
	fmt.Println("client:", string(l))
	if string(l) == "220 Go ahead" {
		t, _ := protocol.As[protocol.TLSStarter](c.Conn)
		if err := t.StartTLS(); err != nil {
			fmt.Println(err)
		}
	}
}

// sides returns the configurations of a server and of a client that trusts it.
func sides() (server, client secure.Config) {
	cert, err := secure.SelfSigned("torsion.test")
	if err != nil {
		panic(err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(cert.Leaf)
	server.Server = &tls.Config{Certificates: []tls.Certificate{cert}}
	client.Client = &tls.Config{RootCAs: trusted, ServerName: "torsion.test"}
	return server, client
}

// A server and its client over TLS from the start, on a network in memory; on a
// reactor it is the same.
func Example() {
	server, client := sides()
	network := reactortest.NewMemory(reactortest.Config{})
	f := factory.Each(func() protocol.Protocol { return line.New(&parrot{}) })
	port, err := network.Listen("tcp", "127.0.0.1:0", server.Wrap(f))
	if err != nil {
		fmt.Println(err)
		return
	}
	c := factory.Each(func() protocol.Protocol { return line.New(&teller{}) })
	network.Connect("tcp", port.Addr().String(), client.Wrap(c))
	network.Settle()
	// Output:
	// server: over TLS 1.3
	// client: you said hello
}

// An asker is a teller that asks for TLS first.
type asker struct{ teller }

func (a *asker) ConnectionMade(*line.Conn) { a.SendLine("STARTTLS") }

// A connection begins in clear and changes to TLS when the client asks for that.
func ExampleConfig_Offer() {
	server, client := sides()
	network := reactortest.NewMemory(reactortest.Config{})
	f := factory.Each(func() protocol.Protocol { return line.New(&parrot{}) })
	port, err := network.Listen("tcp", "127.0.0.1:0", server.Offer(f))
	if err != nil {
		fmt.Println(err)
		return
	}
	c := factory.Each(func() protocol.Protocol { return line.New(&asker{}) })
	network.Connect("tcp", port.Addr().String(), client.Offer(c))
	network.Settle()
	// Output:
	// client: 220 Go ahead
	// server: over TLS 1.3
	// client: you said hello
}

// A certificate as PEM: for clients of other makers to trust, and to be loaded again.
func ExampleSelfSigned() {
	cert, err := secure.SelfSigned("localhost", "127.0.0.1")
	if err != nil {
		panic(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		panic(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}) // cert.pem
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})                  // key.pem, 0600

	again, err := tls.X509KeyPair(certPEM, keyPEM)
	fmt.Println(again.Leaf.DNSNames, again.Leaf.IPAddresses, err)
	// Output: [localhost] [127.0.0.1] <nil>
}
