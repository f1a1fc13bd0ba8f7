package smtp_test

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// statuses collects what LMTPData says.
type statuses struct{ said []string }

func (s *statuses) SetStatus(to string, err error) { s.said = append(s.said, to+" "+code(err)) }

// RFC 2033, section 4.2: one status for each RCPT, and who is named twice gets one
// message.
func TestLocalAsksForEachRecipientOverLMTP(t *testing.T) {
	l, here, elsewhere := local()
	here.answer = func(e *smtp.Envelope) error {
		if e.To[0].Address == "full@our.test" {
			return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}}
		}
		return nil
	}
	s := session(t, l, &smtp.Peer{LMTP: true, User: "ann"})
	require.NoError(t, s.Mail("", nil))
	for _, to := range []string{"bob@our.test", "full@our.test", "x@other.test", "bob@our.test"} {
		require.NoError(t, s.Rcpt(to, nil))
	}
	var got statuses
	require.NoError(t, s.(smtp.LMTPSession).LMTPData(strings.NewReader("whole"), &got))
	assert.ElementsMatch(t, []string{
		"bob@our.test 250 2.0.0", "full@our.test 452 4.2.2", "x@other.test 250 2.0.0", "bob@our.test 250 2.0.0",
	}, got.said)
	assert.Len(t, here.heard, 2)
	assert.Len(t, elsewhere.heard, 1)
	for _, h := range append(here.heard, elsewhere.heard...) {
		assert.Equal(t, "whole", h.text)
		assert.Len(t, h.to, 1)
	}
}

// onLoop is a Delivery that never waits.
type onLoop struct{ recorder }

func (*onLoop) OnLoop() bool { return true }

// Commands run on the loop, messages only if every delivery says so.
func TestLocalOnLoop(t *testing.T) {
	for _, c := range []struct {
		here, elsewhere smtp.Delivery
		data            bool
	}{
		{new(recorder), nil, false},
		{new(onLoop), nil, true},
		{new(onLoop), new(recorder), false},
		{new(onLoop), new(onLoop), true},
	} {
		l := &smtp.Local{Delivery: c.here, Outgoing: c.elsewhere}
		s := session(t, l, &smtp.Peer{})
		for _, x := range []any{l, s} {
			commands, data := x.(smtp.LoopSession).OnLoop()
			assert.True(t, commands)
			assert.Equal(t, c.data, data)
		}
	}
}

// spooling is a Delivery that receives messages itself.
type spooling struct {
	recorder
	asked []*smtp.Envelope
}

type memorySpool struct{ *bytes.Buffer }

func (memorySpool) Seek(int64, int) (int64, error) { return 0, nil }
func (memorySpool) Close() error                   { return nil }

func (s *spooling) Spool(e *smtp.Envelope) (smtp.Spool, error) {
	s.asked = append(s.asked, e)
	return memorySpool{new(bytes.Buffer)}, nil
}

// The delivery is asked where to keep a message, for those who will get it first.
func TestLocalPassesSpoolOn(t *testing.T) {
	here, elsewhere := new(spooling), new(spooling)
	l := &smtp.Local{Domains: []string{"our.test"}, Delivery: here, Outgoing: elsewhere}
	for _, lmtp := range []bool{false, true} {
		s := session(t, l, &smtp.Peer{User: "ann", LMTP: lmtp})
		spool := func(rcpts ...string) {
			require.NoError(t, s.Mail("ann@our.test", nil))
			for _, to := range rcpts {
				require.NoError(t, s.Rcpt(to, nil))
			}
			f, err := s.(smtp.Spooler).Spool()
			require.NoError(t, err)
			defer f.Close()
			require.Equal(t, "250 2.0.0", code(s.Data(f)))
		}
		spool("a@our.test", "x@other.test", "b@our.test")
		spool("y@other.test", "x@other.test")
		for _, d := range []*spooling{here, elsewhere} {
			e := d.asked[len(d.asked)-1]
			assert.Len(t, e.To, map[bool]int{false: 2, true: 1}[lmtp])
			assert.Equal(t, d.heard[len(d.heard)-1].e.ID, e.ID)
			assert.Equal(t, d.heard[len(d.heard)-1].e.Time, e.Time)
		}
	}
	assert.Len(t, here.asked, 2)
	assert.Len(t, elsewhere.asked, 2)
}

// Where only one delivery receives messages itself, those of the other go to a file
// without a name.
func TestLocalSpoolsForOthersInTempDir(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	l, _, elsewhere := local()
	l.Delivery = new(spooling)
	s := session(t, l, &smtp.Peer{User: "ann"})
	require.NoError(t, s.Mail("ann@our.test", nil))
	require.NoError(t, s.Rcpt("x@other.test", nil))
	f, err := s.(smtp.Spooler).Spool()
	require.NoError(t, err)
	_, err = io.WriteString(f, "large")
	require.NoError(t, err)
	require.Equal(t, "250 2.0.0", code(s.Data(f)))
	assert.Equal(t, "large", elsewhere.heard[0].text)
	require.NoError(t, f.Close())
	_, spools := session(t, &smtp.Local{Delivery: elsewhere}, &smtp.Peer{}).(smtp.Spooler)
	assert.False(t, spools)
}

// An idle session is one small object.
func TestLocalSessionsAreSmall(t *testing.T) {
	l, _, _ := local()
	p := &smtp.Peer{Remote: &net.TCPAddr{}}
	assert.Equal(t, 1.0, testing.AllocsPerRun(100, func() { session(t, l, p) }))
	const many = 10_000
	kept := make([]smtp.Session, many)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range kept {
		kept[i] = session(t, l, p)
	}
	runtime.ReadMemStats(&after)
	assert.LessOrEqual(t, (after.TotalAlloc-before.TotalAlloc)/many, uint64(200))
	runtime.KeepAlive(kept)
}
