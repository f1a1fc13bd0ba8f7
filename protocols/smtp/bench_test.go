package smtp

import (
	"io"
	"log/slog"
	"strings"
	"testing"
)

// A bin takes everything, on the loop, and keeps nothing.
type bin struct{}

func (bin) OnLoop() (commands, data bool)     { return true, true }
func (bin) NewSession(*Peer) (Session, error) { return bin{}, nil }
func (bin) Mail(string, *MailOptions) error   { return nil }
func (bin) Rcpt(string, *RcptOptions) error   { return nil }
func (bin) Data(r io.Reader) error            { return nil }
func (bin) Reset()                            {}
func (bin) Logout() error                     { return nil }

// One message of about 1 KiB over a connection that stays, as smtp-source sends it.
func BenchmarkMessage(b *testing.B) {
	defer logTo(slog.DiscardHandler)()
	tr := dial(Config{Domain: "mx.our.test"}.New(bin{}))
	tr.Receive("EHLO me.example.com\r\n")
	text := strings.Repeat("A line of a message that says nothing of importance.\r\n", 20) + ".\r\n"
	b.ReportAllocs()
	for b.Loop() {
		tr.Receive("MAIL FROM:<a@x.example>\r\n")
		tr.Receive("RCPT TO:<b@our.test>\r\n")
		tr.Receive("DATA\r\n")
		tr.Receive(text)
		tr.Take()
	}
}
