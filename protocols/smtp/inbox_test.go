package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// put delivers a message with an envelope of no length.
func put(i *smtp.Inbox, text string) error {
	return i.Deliver(&smtp.Envelope{Peer: new(smtp.Peer), ID: text}, strings.NewReader(text))
}

// texts are those of the messages it holds.
func texts(i *smtp.Inbox) (held []string) {
	for _, m := range i.Messages() {
		held = append(held, string(m.Text))
	}
	return held
}

// The zero value keeps what it gets, in order, until it is taken or cleared.
func TestInboxKeepsMessages(t *testing.T) {
	var i smtp.Inbox
	assert.Empty(t, i.Messages())
	for _, text := range []string{"one", "two", "", "three"} {
		require.NoError(t, put(&i, text))
	}
	assert.Equal(t, []string{"one", "two", "", "three"}, texts(&i))
	m, err := i.Next(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "one", string(m.Text))
	assert.Equal(t, "one", m.ID)
	assert.Equal(t, []string{"two", "", "three"}, texts(&i))
	i.Clear()
	assert.Empty(t, i.Messages())
	require.NoError(t, put(&i, "four"))
	assert.Equal(t, []string{"four"}, texts(&i))
}

// What happens to the connection afterwards does not reach a message that is kept.
func TestInboxCopiesPeer(t *testing.T) {
	var i smtp.Inbox
	e := envelope()
	require.NoError(t, i.Deliver(e, strings.NewReader("x")))
	e.Peer.User = "later"
	assert.Empty(t, i.Messages()[0].Peer.User)
	assert.Equal(t, "client.other.test", i.Messages()[0].Peer.Hostname)
}

// Full is full, and what was kept stays; afterwards there is room again.
func TestInboxRefusesWhenFull(t *testing.T) {
	for _, i := range []*smtp.Inbox{{MaxMessages: 2}, {MaxBytes: 8}} {
		require.NoError(t, put(i, "four"))
		require.NoError(t, put(i, "five"))
		assert.Equal(t, "452 4.3.1", code(put(i, "six")))
		assert.Equal(t, []string{"four", "five"}, texts(i))
		_, err := i.Next(t.Context())
		require.NoError(t, err)
		assert.NoError(t, put(i, "six"))
	}
}

// Addresses are memory, too.
func TestInboxCountsAddresses(t *testing.T) {
	i := smtp.Inbox{MaxBytes: 100}
	e := &smtp.Envelope{From: strings.Repeat("f", 50), To: []smtp.Recipient{{Address: strings.Repeat("t", 50)}}}
	assert.NoError(t, i.Deliver(e, strings.NewReader("")))
	i.Clear()
	assert.Equal(t, "552 5.3.4", code(i.Deliver(e, strings.NewReader("x"))))
}

// So are the parameters of MAIL and RCPT.
func TestInboxCountsOptions(t *testing.T) {
	i := smtp.Inbox{MaxBytes: 99}
	ten := strings.Repeat("x", 10)
	options := smtp.RcptOptions{Notify: []gosmtp.DSNNotify{gosmtp.DSNNotifySuccess, gosmtp.DSNNotifyFailure}, OriginalRecipient: ten} // 7 + 7 + 10
	e := &smtp.Envelope{
		From: ten, Options: smtp.MailOptions{EnvelopeID: ten, Auth: &ten},
		To: []smtp.Recipient{{Address: ten, Options: options}, {Address: ten, Options: options}},
	}
	assert.Equal(t, "552 5.3.4", code(i.Deliver(e, strings.NewReader("xx"))))
	assert.NoError(t, i.Deliver(e, strings.NewReader("x")))
	_, err := i.Next(t.Context())
	require.NoError(t, err)
	assert.NoError(t, i.Deliver(e, strings.NewReader("x")), "it is as much that goes")
}

// One that is to hold nothing takes nothing.
func TestInboxHoldsNothing(t *testing.T) {
	for _, drop := range []bool{false, true} {
		for _, i := range []*smtp.Inbox{{MaxMessages: -1, DropOldest: drop}, {MaxBytes: -1, DropOldest: drop}} {
			assert.Equal(t, "552 5.3.4", code(put(i, "")))
			assert.Empty(t, i.Messages())
		}
	}
}

// The oldest make room for a new one, if they are to.
func TestInboxDropsOldest(t *testing.T) {
	for _, i := range []*smtp.Inbox{
		{MaxMessages: 2, DropOldest: true}, {MaxBytes: 6, DropOldest: true},
	} {
		for _, text := range []string{"one", "two", "six", "ten"} {
			require.NoError(t, put(i, text))
		}
		assert.Equal(t, []string{"six", "ten"}, texts(i))
	}
}

// What can never fit is not asked for again, and drops nothing.
func TestInboxRefusesTooLarge(t *testing.T) {
	for _, drop := range []bool{false, true} {
		i := smtp.Inbox{MaxBytes: 8, DropOldest: drop}
		require.NoError(t, put(&i, "kept"))
		assert.Equal(t, "552 5.3.4", code(put(&i, "123456789")))
		assert.Equal(t, []string{"kept"}, texts(&i))
		if drop {
			assert.NoError(t, put(&i, "12345678"))
			assert.Equal(t, []string{"12345678"}, texts(&i))
		}
	}
}

// failing reads less than it has promised.
type failing struct{ io.ReadSeeker }

var errFailing = errors.New("failing")

func (failing) Read([]byte) (int, error) { return 0, errFailing }

// Half a message is none.
func TestInboxKeepsNoHalf(t *testing.T) {
	var i smtp.Inbox
	assert.ErrorIs(t, i.Deliver(envelope(), failing{strings.NewReader("x")}), errFailing)
	assert.Empty(t, i.Messages())
}

// Next waits, and does not when ctx is over.
func TestInboxNextWaits(t *testing.T) {
	var i smtp.Inbox
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := i.Next(over)
	assert.ErrorIs(t, err, context.Canceled)
	got := make(chan string)
	go func() {
		m, err := i.Next(t.Context())
		assert.NoError(t, err)
		got <- string(m.Text)
	}()
	require.NoError(t, put(&i, "late"))
	assert.Equal(t, "late", <-got)
}

// Many deliver and many wait: each message goes to one.
func TestInboxFromManyGoroutines(t *testing.T) {
	const each, many = 50, 8
	var i smtp.Inbox
	var all sync.WaitGroup
	var seen sync.Map
	for g := range many {
		all.Go(func() {
			for n := range each {
				assert.NoError(t, put(&i, fmt.Sprint(g, n)))
				i.Messages()
			}
		})
		all.Go(func() {
			for range each {
				m, err := i.Next(t.Context())
				assert.NoError(t, err)
				_, twice := seen.LoadOrStore(m.ID, true)
				assert.False(t, twice)
			}
		})
	}
	all.Wait()
	assert.Empty(t, i.Messages())
}
