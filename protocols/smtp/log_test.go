package smtp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"log"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// logTo has loops that are made now log to h, and returns what ends that.
func logTo(h slog.Handler) (back func()) {
	old, out, flags := slog.Default(), log.Writer(), log.Flags()
	slog.SetDefault(slog.New(h))
	return func() {
		slog.SetDefault(old)
		log.SetOutput(out) // which SetDefault has taken
		log.SetFlags(flags)
	}
}

// logged is what a server logs for operators while f talks to it, without times.
func logged(f func()) string {
	var b bytes.Buffer
	defer logTo(slog.NewTextHandler(&b, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))()
	f()
	return b.String()
}

// What has become of each message is logged, with the reply, and no word of what it says.
func TestLogsMessages(t *testing.T) {
	const begin, end = "MAIL FROM:<a@x>\r\nRCPT TO:<b@our.test>\r\nRCPT TO:<c@our.test>\r\nDATA\r\n", "\r\n.\r\n"
	out := logged(func() {
		tr := dial(testServer().New(&clerk{}))
		tr.Receive("EHLO me\r\n" + begin + "hello" + end + begin + "bare\nLF" + end)
	})
	assert.Equal(t, `level=INFO msg="smtp: message" peer=192.0.2.2:50000 user="" from=a@x to=2 bytes=7 reply="250 2.0.0 Ok"
level=INFO msg="smtp: message" peer=192.0.2.2:50000 user="" from=a@x to=2 bytes=9 reply="554 5.6.0 CR or LF on its own in the message"
`, out)
	config := testServer()
	config.LMTP = true
	out = logged(func() {
		tr := dial(config.New(&clerk{}))
		tr.Receive("LHLO me\r\n" + begin + "hello" + end)
	})
	assert.Equal(t, 2, strings.Count(out, " to=1 "), out)
}

// A recipient that is refused is logged, and why: who is waiting for a message can be told.
func TestLogsRefusedRecipients(t *testing.T) {
	config := testServer()
	config.MaxRecipients = 1
	out := logged(func() {
		tr := dial(config.New(&Local{Domains: []string{"our.test"}, Delivery: &Inbox{}}))
		tr.Receive("EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@our.test>\r\nRCPT TO:<c@our.test>\r\nRSET\r\n")
		tr.Receive("MAIL FROM:<a@x>\r\nRCPT TO:<b@other.test>\r\n")
	})
	assert.Equal(t, `level=INFO msg="smtp: recipient refused" peer=192.0.2.2:50000 user="" from=a@x to=c@our.test reply="452 4.5.3 Too many recipients"
level=INFO msg="smtp: recipient refused" peer=192.0.2.2:50000 user="" from=a@x to=b@other.test reply="550 5.7.1 Relaying denied"
`, out)
}

// Recipients for whom there is no room cost a line of the log for each message, and are sent
// with the next, however often.
func TestLogsTooManyRecipientsOnce(t *testing.T) {
	config := testServer() // 3 of a message
	out := logged(func() {
		tr := dial(config.New(&clerk{onLoop: true}))
		tr.Receive("EHLO me\r\n")
		for range 10 {
			tr.Take()
			tr.Receive("MAIL FROM:<a@x>\r\n" + strings.Repeat("RCPT TO:<b@our.test>\r\n", 100) + "DATA\r\n")
			said := tr.Take()
			assert.Equal(t, 97, strings.Count(said, "452 4.5.3 Too many recipients\r\n"))
			assert.Contains(t, said, "\r\n354 ")
			tr.Receive("hello\r\n.\r\n")
		}
		assert.NoError(t, tr.Lost())
		tr.Do(tr.Abort)
	})
	assert.Equal(t, 10, strings.Count(out, "recipient refused"), out)
}

// Who fails to log in is logged, and why, but not by what password.
func TestLogsFailedLogins(t *testing.T) {
	local := &Local{Login: true, Authenticate: func(string, string) error { return errors.New("the directory is down") }}
	word := base64.StdEncoding.EncodeToString
	for mechanism, said := range map[string]string{
		"PLAIN": "AUTH PLAIN " + word([]byte("\x00eve\x00sesame")),
		"LOGIN": "AUTH LOGIN\r\n" + word([]byte("eve")) + "\r\n" + word([]byte("sesame")),
	} {
		out := logged(func() {
			tr := dial(Config{AllowInsecureAuth: true}.New(local))
			tr.Receive("EHLO me\r\n" + said + "\r\n")
		})
		assert.Equal(t, `level=WARN msg="smtp: login failed" peer=192.0.2.2:50000 mechanism=`+mechanism+` user=eve err="the directory is down"`+"\n", out)
	}
}

// What cannot be finished is said.
func TestLogsWhatCannotBeFinished(t *testing.T) {
	out := logged(func() {
		tr := dial(testServer().New(&sour{&clerk{}}))
		tr.Receive("EHLO me\r\n")
		tr.Do(tr.Abort)
	})
	assert.Contains(t, out, `level=WARN msg="smtp: cannot finish" peer=192.0.2.2:50000 err="log out: no"`)
}

// What the client is not told is said, and who was asked.
func TestLogsWhoCannotServe(t *testing.T) {
	out := logged(func() {
		tr := dial(testServer().New(&sour{&clerk{}}))
		tr.Receive("EHLO me\r\nMAIL FROM:<ann@a.test>\r\n")
		tr.Do(tr.Abort)
	})
	assert.Contains(t, out, `level=ERROR msg="smtp: cannot serve" peer=192.0.2.2:50000 in=Mail err="not me"`)
}

type sour struct{ *clerk }

func (s *sour) NewSession(*Peer) (Session, error) { return s, nil }
func (s *sour) Mail(string, *MailOptions) error   { return errors.New("not me") }
func (s *sour) Logout() error                     { return errors.New("no") }
