package smtp_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// A test waits for the mail that the program under test sends.
func ExampleInbox() {
	var inbox smtp.Inbox
	local := &smtp.Local{Domains: []string{"our.test"}, Delivery: &inbox}

	// What a server with this Backend does for a client:
	session, _ := local.NewSession(&smtp.Peer{Hostname: "client.test"})
	fmt.Println(session.Mail("ann@other.test", nil))
	fmt.Println(session.Rcpt("bob@elsewhere.test", nil))
	fmt.Println(session.Rcpt("bob@our.test", nil))
	session.Data(strings.NewReader("Subject: Hello\r\n\r\nWorld\r\n"))

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	m, err := inbox.Next(ctx)
	fmt.Printf("%s to %s: %q %v\n", m.From, m.To, m.Text, err)
	// Output:
	// <nil>
	// SMTP error 550: Relaying denied
	// <nil>
	// ann@other.test to [bob@our.test]: "Subject: Hello\r\n\r\nWorld\r\n" <nil>
}
