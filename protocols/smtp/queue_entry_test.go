package smtp

import (
	"math"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzQueueEntry: whatever is in a file, it is read or refused, and what is read can be
// sent, reported, and written again.
func FuzzQueueEntry(f *testing.F) {
	e, err := newQueueEntry(&Envelope{ID: "A", From: "ann@a.test", Time: time.Unix(1, 0), To: []Recipient{{
		Address: "bob@b.test", Options: RcptOptions{Notify: []gosmtp.DSNNotify{"SUCCESS"}, OriginalRecipientType: "RFC822", OriginalRecipient: "x"},
	}}})
	require.NoError(f, err)
	e.To[0].State, e.To[0].Last = queueFailed, &queueFault{Code: 550, Status: "5.1.1", Text: "no", Host: "mx"}
	data, err := e.encode()
	require.NoError(f, err)
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add([]byte(`{"version":1,"to":[null]}`))
	f.Add([]byte(`{"version":1,"to":[{"address":"postmaster","state":"failed"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := decodeQueueEntry(data)
		if err != nil {
			assert.ErrorIs(t, err, errQueueFile)
			return
		}
		again, err := e.encode()
		if err != nil { // a time that JSON has no form for
			return
		}
		same, err := decodeQueueEntry(again)
		require.NoError(t, err)
		third, err := same.encode()
		require.NoError(t, err)
		assert.Equal(t, string(again), string(third))
		q := &Queue{Domain: "us.test"}
		for _, r := range e.To {
			assert.NotPanics(t, func() { newAttempt(Mail{To: []string{r.Address}, Body: nothing{}}) })
			assert.NotContains(t, r.Address, "\n")
			if r.Last != nil {
				l := q.line(e, r)
				assert.NotContains(t, plainText(l.queueFault.String()), "\n")
			}
		}
	})
}

// A file that was small enough stays so, whatever servers say.
func TestQueueEntryStaysReadable(t *testing.T) {
	hostile := strings.Repeat(`"\`, 2000)
	r := &queueRecipient{
		Address: "b@b.test", State: queueRelayed, Attempts: math.MaxInt, Next: utcNow(), Warned: true,
		Last: newQueueFault(refusal(599, EnhancedCode{9, 1 << 62, 1 << 62}, hostile), hostile, utcNow()),
	}
	after, err := (&queueEntry{To: []*queueRecipient{r, r}}).encode()
	require.NoError(t, err)
	before, err := (&queueEntry{To: []*queueRecipient{{Address: "b@b.test"}, r}}).encode()
	require.NoError(t, err)
	assert.Less(t, len(after)-len(before), maxQueueGrowth)
}

type nothing struct{}

func (nothing) Read([]byte) (int, error)       { return 0, nil }
func (nothing) Seek(int64, int) (int64, error) { return 0, nil }
