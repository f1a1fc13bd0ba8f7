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

// A sender that is refused is logged: nothing of his message ever is. So is what is no sender.
func TestLogsRefusedSenders(t *testing.T) {
	out := logged(func() {
		tr := dial(testServer().New(&Local{Delivery: &Inbox{}, RequireAuth: true}))
		tr.Receive("EHLO me\r\nMAIL FROM:<a@x> SIZE=65\r\nMAIL FROM:<a@x>\r\nMAIL FROM:a@x\r\nMAIL FROM:<a@x> BODY=9BIT\r\n")
	})
	assert.Equal(t, `level=INFO msg="smtp: sender refused" peer=192.0.2.2:50000 user="" from=a@x reply="552 5.3.4 Message is larger than the server takes"
level=INFO msg="smtp: sender refused" peer=192.0.2.2:50000 user="" from=a@x reply="530 5.7.0 Authentication required"
level=INFO msg="smtp: sender refused" peer=192.0.2.2:50000 user="" from=FROM:a@x reply="501 5.1.7 Bad sender address"
level=INFO msg="smtp: sender refused" peer=192.0.2.2:50000 user="" from=a@x reply="501 5.5.4 Bad parameter value"
`, out)
}

// So is a recipient that nobody can read, shortened, with the reply that has ended it all.
func TestLogsWhatIsNoRecipient(t *testing.T) {
	config := testServer()
	config.MaxErrors = 1
	out := logged(func() {
		tr := dial(config.New(&clerk{}))
		tr.Receive("EHLO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<" + strings.Repeat("b", 1900) + "\r\n")
	})
	assert.Equal(t, `level=INFO msg="smtp: recipient refused" peer=192.0.2.2:50000 user="" from=a@x to=TO:<`+strings.Repeat("b", 396)+
		` reply="421 4.7.0 mx.our.test Too many errors"`+"\n", out)
}

// Who fails to log in is logged, with the reply, and why, but not by what password.
func TestLogsFailedLogins(t *testing.T) {
	local := &Local{Login: true, Authenticate: func(string, string) error { return errors.New("the directory is down") }}
	word := base64.StdEncoding.EncodeToString
	const line = `level=WARN msg="smtp: login failed" peer=192.0.2.2:50000 user=eve mechanism=`
	const why, reply = ` err="the directory is down"`, ` reply="535 5.7.8 Authentication failed"` + "\n"
	for said, want := range map[string]string{
		"AUTH PLAIN " + word([]byte("\x00eve\x00sesame")):                        line + "PLAIN" + why + reply,
		"AUTH LOGIN\r\n" + word([]byte("eve")) + "\r\n" + word([]byte("sesame")): line + "LOGIN" + why + reply,
		"AUTH PLAIN " + word([]byte("ann\x00eve\x00sesame")):                     line + `PLAIN err="the user would act for another"` + reply,
		"AUTH PLAIN " + word([]byte("\x00eve\x00")):                              line + `PLAIN err="the user or the password is empty, or holds a NUL"` + reply,
	} {
		out := logged(func() {
			tr := dial(Config{AllowInsecureAuth: true}.New(local))
			tr.Receive("EHLO me\r\n" + said + "\r\n")
		})
		assert.Equal(t, want, out)
	}
}

// The last of them is logged with the reply that ends the connection.
func TestLogsTooManyFailedLogins(t *testing.T) {
	out := logged(func() {
		tr := dial(Config{Domain: "mx.our.test", AllowInsecureAuth: true}.New(&reciter{}))
		tr.Receive("EHLO me\r\n")
		for range maxLogins {
			tr.Receive("AUTH PLAIN AGV2ZQBh\r\n")
			tr.Advance(loginDelay)
		}
		assert.ErrorIs(t, tr.Lost(), ErrTooManyErrors)
	})
	assert.Equal(t, 2, strings.Count(out, ` reply="535 5.7.8 Authentication failed"`), out)
	assert.Equal(t, 1, strings.Count(out, ` reply="421 4.7.0 mx.our.test Too many failed logins"`), out)
}

// Who may not try is logged: it is nobody's password that is wrong.
func TestLogsRefusedLogins(t *testing.T) {
	local := &Local{Authenticate: func(string, string) error { return nil }}
	out := logged(func() {
		dial(Config{}.New(local)).Receive("EHLO me\r\nAUTH PLAIN AGV2ZQBzZXNhbWU=\r\n")
		dial(Config{AllowInsecureAuth: true}.New(local)).Receive("EHLO me\r\nAUTH CRAM-MD5\r\n")
	})
	assert.Equal(t, `level=INFO msg="smtp: login refused" peer=192.0.2.2:50000 user="" mechanism=PLAIN reply="538 5.7.11 Encryption required"
level=INFO msg="smtp: login refused" peer=192.0.2.2:50000 user="" mechanism=CRAM-MD5 reply="504 5.5.4 Mechanism not available"
`, out)
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
