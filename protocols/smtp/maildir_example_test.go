package smtp_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// A maildir for each of two users, and nobody else.
func ExampleMaildir() {
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)
	mail := &smtp.Maildir{Dir: dir, Mailbox: func(r smtp.Recipient) string {
		to, _ := smtp.ParseAddress(r.Address)
		return to.Local
	}}
	local := &smtp.Local{
		Domains: []string{"our.test"}, Mailboxes: []string{"ann", "bob"}, Delivery: mail,
	}

	// What a server with this Backend does for a client:
	session, _ := local.NewSession(&smtp.Peer{Hostname: "client.test"})
	fmt.Println(session.Mail("carl@other.test", nil))
	fmt.Println(session.Rcpt("Ann@our.test", nil))
	fmt.Println(session.Rcpt("dora@our.test", nil))
	session.Data(strings.NewReader("Subject: Hello\r\n\r\nWorld\r\n"))

	files, err := filepath.Glob(filepath.Join(dir, "ann", "new", "*"))
	fmt.Println(len(files), err)
	// Output:
	// <nil>
	// <nil>
	// SMTP error 550: No such mailbox here
	// 1 <nil>
}
