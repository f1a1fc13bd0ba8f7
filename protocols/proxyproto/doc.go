// Package proxyproto is the PROXY protocol, versions 1 and 2, both ways: how a
// proxy tells a server whom it connects for
// (https://www.haproxy.org/download/3.4/doc/proxy-protocol.txt).
//
// A server behind proxies puts it below everything else that it has:
//
//	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
//	f = proxyproto.Config{Trusted: proxies}.Wrap(f)
//
// From then on all of f is about the client: its BuildProtocol comes when the
// header has arrived and is given the address in it, and its connections' RemoteAddr
// and LocalAddr are the two ends of the connection that the client made. A limit
// inside, proxyproto.Config{...}.Wrap(limit.Around(f)), counts clients; one outside
// counts connections of the proxies, those without a header yet included. TLS
// stands inside too, for the header comes before it.
//
// # Whom to believe
//
// A header can say anything, so it is believed of those in Trusted and of nobody
// else. It has to come from them: to guess whether one is there would let a
// client behind a proxy that sends none write its own. Others are refused, since a
// session that takes the header of an unlisted proxy for its own input (as a
// mail server may, with an error that the client never sees) would serve all of
// its clients as if they were the proxy. Config.Direct serves them too.
//
// A header that says LOCAL or UNKNOWN leaves the socket's addresses as they are: a
// proxy's own health check.
//
// A proxy uses [Announce].
package proxyproto
