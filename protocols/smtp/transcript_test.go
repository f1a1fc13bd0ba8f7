package smtp

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocoltest"
)

// A reciter is a Session that says back what it has got, so that it stands in a
// transcript.
type reciter struct {
	onLoop   bool
	envelope string
}

func (r *reciter) OnLoop() (commands, data bool) { return r.onLoop, r.onLoop }
func (r *reciter) Reset()                        { r.envelope = "" }
func (r *reciter) Logout() error                 { return nil }

func (r *reciter) NewSession(p *Peer) (Session, error) {
	if p.Hostname == "unwanted" {
		return nil, &SMTPError{Code: 550, EnhancedCode: EnhancedCode{5, 7, 1}, Message: "Go away"}
	}
	return &reciter{onLoop: r.onLoop}, nil
}

func (r *reciter) Mail(from string, o *MailOptions) error {
	switch {
	case strings.HasPrefix(from, "broken@"):
		return errors.New("nobody is to read this")
	case strings.HasPrefix(from, "busy@"):
		return &SMTPError{Code: 421, EnhancedCode: EnhancedCode{4, 3, 2}, Message: "Not now\nreally"}
	case strings.HasPrefix(from, "evil@"):
		return &SMTPError{Code: 550, Message: "a\r\n250 b\x00\xff"}
	}
	r.envelope = "<" + from + ">"
	if o.Size > 0 {
		r.envelope += fmt.Sprint(" size=", o.Size)
	}
	for _, s := range []string{string(o.Body), string(o.Return), o.EnvelopeID} {
		if s != "" {
			r.envelope += " " + s
		}
	}
	if o.UTF8 {
		r.envelope += " utf8"
	}
	if o.Auth != nil {
		r.envelope += " auth=" + *o.Auth
	}
	return nil
}

func (r *reciter) Rcpt(to string, o *RcptOptions) error {
	a, err := ParseAddress(to)
	switch {
	case err != nil:
		return err
	case a.Domain == "slow.test":
		return &SMTPError{Code: 451, Message: "Try again"}
	case a.Domain != "our.test" && a.Domain != "" && a.Domain != "grün.test":
		return &SMTPError{Code: 550, EnhancedCode: EnhancedCode{5, 7, 1}, Message: "Relaying denied"}
	}
	r.envelope += " " + to
	if o.Notify != nil {
		r.envelope += fmt.Sprint(o.Notify)
	}
	if o.OriginalRecipient != "" {
		r.envelope += fmt.Sprintf("(%s %s)", o.OriginalRecipientType, o.OriginalRecipient)
	}
	return nil
}

func (r *reciter) Data(m io.Reader) error {
	b, err := io.ReadAll(m)
	switch {
	case err != nil:
		return err
	case strings.HasPrefix(string(b), "full"):
		return fmt.Errorf("write: %w", syscall.ENOSPC)
	}
	return &SMTPError{Code: 250, EnhancedCode: EnhancedCode{2, 0, 0}, Message: fmt.Sprintf("%s %q", r.envelope, b)}
}

func (r *reciter) AuthMechanisms() []string { return []string{"PLAIN"} }

func (r *reciter) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(identity, user, password string) error {
		switch {
		case user == "later":
			return &SMTPError{Code: 454, EnhancedCode: EnhancedCode{4, 7, 0}, Message: "Try again"}
		case user != "eve" || password != "sesame":
			return errors.New("nobody is to read this either")
		}
		return nil
	}), nil
}

// An lmtpReciter answers for each recipient.
type lmtpReciter struct{ reciter }

func (r *lmtpReciter) NewSession(*Peer) (Session, error) {
	return &lmtpReciter{reciter{onLoop: r.onLoop}}, nil
}

func (r *lmtpReciter) LMTPData(m io.Reader, status StatusCollector) error {
	status.SetStatus("a@our.test", &SMTPError{Code: 250, Message: "first"})
	status.SetStatus("a@our.test", &SMTPError{Code: 452, EnhancedCode: EnhancedCode{4, 2, 2}, Message: "second"})
	status.SetStatus("a@our.test", errors.New("there is no third"))
	status.SetStatus("nobody@our.test", errors.New("was never asked for"))
	status.SetStatus("b@our.test", nil)
	return r.Data(m)
}

// What clients say and are answered, in every cut, with Sessions on the loop and off
// it. The names of the files are those of the RFCs' sections, or say what they are.
func TestTranscripts(t *testing.T) {
	config := Config{Domain: "mx.our.test", MaxMessageBytes: 100, MaxRecipients: 3, MaxMemory: 20, AllowInsecureAuth: true, EnableDSN: true}
	lmtp := config
	lmtp.LMTP = true
	for _, onLoop := range []bool{true, false} {
		for dir, f := range map[string]struct {
			Config
			Backend
		}{
			"smtp":  {config, &reciter{onLoop: onLoop}},
			"plain": {Config{Domain: "mx.our.test"}, &reciter{onLoop: onLoop}},
			"lmtp":  {lmtp, &lmtpReciter{reciter{onLoop: onLoop}}},
		} {
			files, err := filepath.Glob("testdata/" + dir + "/*.txt")
			require.NoError(t, err)
			require.NotEmpty(t, files)
			for _, file := range files {
				t.Run(fmt.Sprint(filepath.Base(file), " on the loop: ", onLoop), func(t *testing.T) {
					protocoltest.Transcript(t, f.New(f.Backend), file)
				})
			}
		}
	}
}
