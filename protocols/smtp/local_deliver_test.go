package smtp_test

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

var noWay = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "No way"}

// recipients are those of a message.
func recipients(m smtp.Message) (to []string) {
	for _, r := range m.To {
		to = append(to, r.Address)
	}
	return to
}

// A Local takes mail of this program as that of a user: for here, for elsewhere, and for
// nobody that is not.
func TestLocalDelivers(t *testing.T) {
	var here, elsewhere smtp.Inbox
	l := &smtp.Local{Domains: []string{"our.test"}, Mailboxes: []string{"bob"}, Delivery: &here, Outgoing: &elsewhere}
	deliver := func(addresses ...string) error { return l.Deliver(to(addresses...), strings.NewReader("text")) }
	require.NoError(t, deliver("bob@our.test", "x@other.test", "Bob@Our.Test"))
	require.Len(t, here.Messages(), 1)
	assert.Equal(t, []string{"bob@our.test", "Bob@Our.Test"}, recipients(here.Messages()[0]))
	assert.Equal(t, "text", string(here.Messages()[0].Text))
	require.Len(t, elsewhere.Messages(), 1)
	assert.Equal(t, []string{"x@other.test"}, recipients(elsewhere.Messages()[0]))
	require.NoError(t, deliver("bob@our.test"))
	require.NoError(t, deliver("x@other.test"))
	assert.Equal(t, "550 5.1.1", code(deliver("eve@our.test", "x@other.test")))
	assert.Equal(t, "550 5.7.1", code(deliver("x%other.test@our.test")))
	assert.Len(t, here.Messages(), 2)
	assert.Len(t, elsewhere.Messages(), 2)
	l.Outgoing = nil
	assert.Equal(t, "550 5.7.1", code(deliver("x@other.test")))
	l.Outgoing = smtp.Func(func(*smtp.Envelope, io.ReadSeeker) error { return noWay })
	assert.Equal(t, "554 5.7.1", code(deliver("bob@our.test", "x@other.test")))
	assert.Len(t, here.Messages(), 2)
}

// What would go on with the line that is written in front of it is refused by whoever writes one.
func TestDeliverRefusesFoldedBeginning(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail")
	maildir := &smtp.Maildir{Dir: dir}
	for _, text := range []string{" x", "\tx: y\r\n"} {
		assert.Equal(t, "554 5.6.0", code(maildir.Deliver(to("bob@our.test"), strings.NewReader(text))))
	}
	assert.NoDirExists(t, dir)
	for _, text := range []string{"", "x", "\r\n x"} {
		assert.NoError(t, maildir.Deliver(to("bob@our.test"), strings.NewReader(text)))
	}
	inPost(t, nil, func(t *testing.T, p *post) {
		assert.Equal(t, "554 5.6.0", code(p.queue.Deliver(to("bob@b.test"), strings.NewReader(" x"))))
		p.requireEmpty()
		p.broken("b.test", errFine)
		assert.NoError(t, p.queue.Deliver(to("bob@b.test"), strings.NewReader("x")))
		own := to("bob@b.test")
		own.Peer = nil
		assert.NoError(t, p.queue.Deliver(own, strings.NewReader(" x")), "nothing is written before it")
	})
}

// Who has nothing to deliver has made a mistake, and is told where.
func TestDeliverPanicsOnMistakes(t *testing.T) {
	const text = "smtp: Deliver needs an Envelope and a message, and one is nil"
	for _, d := range []smtp.Delivery{&smtp.Local{Delivery: &smtp.Inbox{}}, &smtp.Inbox{}, &smtp.Maildir{Dir: t.TempDir()}} {
		assert.PanicsWithValue(t, text, func() { _ = d.Deliver(nil, strings.NewReader("text")) })
		assert.PanicsWithValue(t, text, func() { _ = d.Deliver(to("bob@our.test"), nil) })
	}
	assert.EqualError(t, (&smtp.Maildir{}).Open(), "smtp: a Maildir needs a Dir")
}
