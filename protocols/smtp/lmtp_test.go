package smtp

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

const addressed2 = "LHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@our.test>\r\nRCPT TO:<c@our.test>\r\n"

// A forgetful Session has files that cannot be read.
type forgetful struct{ *clerk }

func (f *forgetful) NewSession(*Peer) (Session, error) { return f, nil }

func (f *forgetful) Spool() (Spool, error) {
	spool, err := tempSpool()
	return unread{spool}, err
}

type unread struct{ Spool }

func (unread) Seek(int64, int) (int64, error) { return 0, io.ErrUnexpectedEOF }

// A message that cannot be read again is answered for each recipient, too.
func TestUnreadableSpoolOverLMTP(t *testing.T) {
	bothWays(t, func(t *testing.T, c *clerk) {
		config := spooling(t)
		config.LMTP, config.MaxMemory = true, 1
		tr := dial(config.New(&forgetful{c}))
		tr.Receive(addressed2 + "DATA\r\nhello\r\n")
		tr.Take()
		tr.Receive(".\r\nNOOP\r\n")
		assert.Equal(t, strings.Repeat("451 4.3.0 Local error in processing, try again later\r\n", 2)+"250 2.0.0 Ok\r\n", tr.Take())
		tr.Do(tr.Abort)
	})
}

// A hasty Session delivers to all recipients at once.
type hasty struct{ *clerk }

func (h *hasty) NewSession(*Peer) (Session, error) { return h, nil }

func (h *hasty) LMTPData(_ io.Reader, status StatusCollector) error {
	var all sync.WaitGroup
	for _, to := range []string{"b@our.test", "c@our.test", "b@our.test"} {
		all.Go(func() { status.SetStatus(to, &SMTPError{Code: 250, Message: to}) })
	}
	all.Wait()
	return errors.New("none is left")
}

// Statuses may come from several goroutines, as those of go-smtp may.
func TestStatusesFromGoroutines(t *testing.T) {
	config := testServer()
	config.LMTP = true
	for range 20 {
		tr := dial(config.New(&hasty{&clerk{}}))
		tr.Receive(addressed2 + "RCPT TO:<b@our.test>\r\nDATA\r\n")
		tr.Take()
		tr.Receive(".\r\n")
		assert.Equal(t, "250 2.0.0 b@our.test\r\n250 2.0.0 c@our.test\r\n250 2.0.0 b@our.test\r\n", tr.Take())
		tr.Do(tr.Abort)
	}
}

// What a Session says of a recipient when it has answered for all changes nothing, and writes
// nowhere.
func TestLateStatusCountsForNothing(t *testing.T) {
	status := newStatuses([]string{"b@our.test", "c@our.test"})
	status.SetStatus("c@our.test", nil)
	status.rest(io.ErrUnexpectedEOF)
	status.SetStatus("b@our.test", nil)
	assert.Equal(t, []error{io.ErrUnexpectedEOF, nil}, status.errs)
}

// A Session that answers for somebody else than it was asked for has not answered: whoever is
// told yes by mistake has lost his message.
func TestStatusOfStranger(t *testing.T) {
	for _, answer := range []error{errors.New("the disk is full"), nil} {
		status := newStatuses([]string{"b@our.test", "c@our.test", "d@our.test"})
		status.SetStatus("b@our.test", nil)
		status.SetStatus("C@our.test", answer)
		status.SetStatus("b@our.test", nil)
		status.rest(nil)
		assert.NoError(t, status.errs[0])
		assert.ErrorContains(t, status.errs[1], "C@our.test")
		assert.Error(t, status.errs[2])
	}
}
