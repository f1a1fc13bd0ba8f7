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
			if r.Attempts > 0 || r.Last != nil {
				l := q.line(e, r)
				assert.NotContains(t, plainText(l.queueFault.String()), "\n")
			}
		}
	})
}

// What could not be sent, or would become something else on its way, is refused at once.
func TestQueueEntryChecks(t *testing.T) {
	never, failure := gosmtp.DSNNotifyNever, gosmtp.DSNNotifyFailure
	for name, o := range map[string]RcptOptions{
		"NOTIFY":             {Notify: []gosmtp.DSNNotify{"SOMETIMES"}},
		"NOTIFY NEVER, also": {Notify: []gosmtp.DSNNotify{never, failure}},
		"NOTIFY twice":       {Notify: []gosmtp.DSNNotify{failure, failure}},
		"ORCPT without kind": {OriginalRecipient: "x"},
		"ORCPT of a kind":    {OriginalRecipientType: "X400", OriginalRecipient: "x"},
		"ORCPT with CRLF":    {OriginalRecipientType: gosmtp.DSNAddressTypeRFC822, OriginalRecipient: "x\r\ny"},
		"ORCPT in UTF-8":     {OriginalRecipientType: gosmtp.DSNAddressTypeRFC822, OriginalRecipient: "\u00fc"},
		"ORCPT with LF":      {OriginalRecipientType: gosmtp.DSNAddressTypeUTF8, OriginalRecipient: "\u00fc\n"},
		"ORCPT too long":     {OriginalRecipientType: gosmtp.DSNAddressTypeUTF8, OriginalRecipient: strings.Repeat("x", 501)},
	} {
		_, err := newQueueEntry(&Envelope{To: []Recipient{{Address: "b@b.test", Options: o}}})
		assert.ErrorContains(t, err, strings.Fields(name)[0]+"=", name)
	}
	for _, o := range []MailOptions{{Return: "SOME"}, {EnvelopeID: "a\nb"}, {EnvelopeID: strings.Repeat("x", 101)}} {
		_, err := newQueueEntry(&Envelope{Options: o, To: []Recipient{{Address: "b@b.test"}}})
		assert.Error(t, err)
	}
	for _, file := range []string{
		``, `[]`, `{}`, `{"version":2}`, `{"version":1}`, `{"version":1,"to":[null]}`,
		`{"version":1,"from":"a b@a.test","to":[{"address":"b@b.test"}]}`,
		`{"version":1,"to":[{"address":"\"b\"@b.test"}]}`,
		`{"version":1,"to":[{"address":"b@b.test","state":"failed"}]}`,
		`{"version":1,"to":[{"address":"b@b.test","state":"lost","last":{}}]}`,
		`{"version":1,"to":[{"address":"b@b.test","attempts":-1}]}`,
		`{"version":1,"to":[{"address":"b@b.test","attempts":1}]}`,
		`{"version":1,"size":-1,"to":[{"address":"b@b.test"}]}`,
		`{"version":1,"to":[{"address":"b@b.test"}]}{}`,
	} {
		_, err := decodeQueueEntry([]byte(file))
		assert.ErrorIs(t, err, errQueueFile, file)
	}
	for _, file := range []string{
		`{"version":1,"to":[{"address":"b@b.test"}]}`, `{"version":1,"to":[{"address":"b@b.test","attempts":1,"last":{}}]}`,
	} {
		_, err := decodeQueueEntry([]byte(file))
		assert.NoError(t, err, file)
	}
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
