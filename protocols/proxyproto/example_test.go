package proxyproto_test

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/proxyproto"
	"github.com/torsion-go/torsion/protocoltest"
)

// A doorman greets everybody by his address.
type doorman struct{ line.Base }

func (d *doorman) ConnectionMade(c *line.Conn) { c.SendLine("Hello, " + c.RemoteAddr().String()) }

func (d *doorman) LineReceived(l []byte) { d.SendLine("Did you say " + string(l) + "?") }

func Example() {
	proxies := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	doormen := factory.Each(func() protocol.Protocol { return line.New(&doorman{}) })
	f := proxyproto.Config{Trusted: proxies}.Wrap(doormen)

	proxy := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 50000}
	tr := protocoltest.Connect(f.BuildProtocol(proxy))
	tr.Receive("PROXY TCP4 198.51.100.7 203.0.113.1 40000 25\r\ngood evening\r\n")
	fmt.Printf("%q\n", tr.Take())

	stranger := &net.TCPAddr{IP: net.IPv4(198, 51, 100, 66), Port: 50000}
	fmt.Println(f.BuildProtocol(stranger) == nil)
	// Output:
	// "Hello, 198.51.100.7:40000\r\nDid you say good evening?\r\n"
	// true
}
