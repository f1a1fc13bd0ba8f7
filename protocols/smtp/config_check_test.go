package smtp

import (
	"crypto/tls"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What cannot be served is a panic that says why, where the program is written and not
// where its first client is. Above all, nothing is in clear that was to be encrypted.
func TestNewPanicsOnMistakes(t *testing.T) {
	const nothing = "smtp: New needs a Backend, and was given nil"
	for want, b := range map[string]Backend{
		"smtp: New needs a Backend, and was given a nil *Local":                  (*Local)(nil),
		"smtp: Local.Delivery is a nil smtp.Func; leave it out, or make one":     &Local{Delivery: Func(nil)},
		"smtp: Local.Delivery is a nil *smtp.Inbox; leave it out, or make one":   &Local{Delivery: (*Inbox)(nil)},
		"smtp: Local.Delivery is a nil *smtp.Maildir; leave it out, or make one": &Local{Delivery: (*Maildir)(nil)},
		"smtp: Local.Outgoing is a nil *smtp.Queue; leave it out, or make one":   &Local{Outgoing: (*Queue)(nil)},
	} {
		assert.PanicsWithValue(t, want, func() { Config{}.New(b) })
	}
	assert.PanicsWithValue(t, nothing, func() { Config{}.New(nil) })
	assert.PanicsWithValue(t, nothing, func() { Config{}.New(BackendFunc(nil)) })
	assert.PanicsWithValue(t, "smtp: ImplicitTLS needs TLS", func() { Config{ImplicitTLS: true}.New(&Local{}) })
	assert.NotPanics(t, func() {
		Config{ImplicitTLS: true, TLS: &tls.Config{Certificates: make([]tls.Certificate, 1)}}.New(&Local{})
	})
}

// Nothing but a name is in the greeting, and above all no second line.
func TestDomainIsOne(t *testing.T) {
	for _, name := range []string{
		"mx.our.test\r\n250 ok", "mx.our.test ", "two words", ".", "a..b", "-a", "mx.our.test.", "b\u00fccher.test", "[192.0.2]", "[::1]", "192.0.2.1]",
	} {
		assert.PanicsWithValue(t, "smtp: Config.Domain is "+strconv.Quote(name)+", which is no domain and no address literal",
			func() { Config{Domain: name}.New(&Local{}) })
	}
	for _, name := range []string{"mx.our.test", "localhost", "build_host", "[192.0.2.1]", "[IPv6:2001:db8::1]", "xn--bcher-kva.test"} {
		tr := dial(Config{Domain: name}.New(&Local{}))
		assert.Equal(t, "220 "+name+" ESMTP Torsion\r\n", tr.Take())
	}
}
