package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A delivery is what examples/sendmail is to do with a server of somebody else, and how
// that ends.
type delivery struct {
	name   string
	flags  []string
	from   string // me@elsewhere.test if empty
	to     []string
	text   string // behind the header
	tls    bool   // it is to come that way
	user   bool   // by who has logged in
	status int    // of the program (sysexits)
	says   string // on its standard error
}

var deliveries = []delivery{
	{name: "clear", flags: []string{"-starttls", "none"}, text: "hello\r\n"},
	{name: "STARTTLS", text: "hello\r\n", tls: true},
	{name: "opportunistic", flags: []string{"-starttls", "opportunistic"}, text: "hello\r\n", tls: true},
	{name: "AUTH", flags: []string{"-user", "eve", "-password", "sesame"}, text: "hello\r\n", tls: true, user: true},
	{name: "wrong password", flags: []string{"-user", "eve", "-password", "wrong"}, status: 77, says: "535"},
	{name: "several", to: []string{"eve@our.test", "bob@our.test"}, text: "hello\r\n", tls: true},
	{name: "refused", to: []string{"nobody@our.test"}, status: 67, says: "550: nobody is there"},
	{name: "some refused", to: []string{"eve@our.test", "nobody@our.test"}, text: "hello\r\n", tls: true, status: 67, says: "550: nobody is there"},
	{name: "dots", text: ".\r\n..\r\n.a\r\n\r\n.\r\n", tls: true},
	{name: "10,000 lines", text: numbered(10_000), tls: true},
	{name: "8 bits", text: "Grüße, 日本語\r\n", tls: true},
	{name: "SMTPUTF8", from: "jürgen@elsewhere.test", to: []string{"zoë@our.test"}, text: "hello\r\n", tls: true},
	{name: "too large", text: strings.Repeat("0123456789\r\n", 50_000), status: 69, says: "552"},
}

// sendmail runs our program for d. It returns the status and what it says.
func (d delivery) sendmail(t *testing.T, addr, ca string) (int, string) {
	t.Helper()
	from, to := d.from, d.to
	if from == "" {
		from = "me@elsewhere.test"
	}
	if to == nil {
		to = []string{"eve@our.test"}
	}
	args := append([]string{"-connect", addr, "-from", from, "-tls-ca", ca}, d.flags...)
	for _, who := range to {
		args = append(args, "-to", who)
	}
	cmd := exec.Command(build(t, "sendmail"), args...)
	cmd.Stdin = strings.NewReader(letter(d.text))
	out, err := cmd.CombinedOutput()
	if err != nil {
		require.IsType(t, &exec.ExitError{}, err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// What examples/sendmail sends arrives in an aiosmtpd byte for byte, or the program's
// status says why not.
func TestSendmailToAiosmtpd(t *testing.T) {
	need(t, python, "-c", "import aiosmtpd")
	for _, d := range deliveries {
		t.Run(d.name, func(t *testing.T) {
			id, dir := identify(t, "localhost"), t.TempDir()
			server := start(t, python, "testdata/aiosmtpd_server.py", id.certFile, id.keyFile, dir, "500000")
			status, said := d.sendmail(t, "localhost:"+server.Line("port "), id.certFile)
			assert.Equal(t, d.status, status, said)
			assert.Contains(t, said, d.says)
			files, err := filepath.Glob(filepath.Join(dir, "*"))
			require.NoError(t, err)
			if d.text == "" || d.says == "552" {
				assert.Empty(t, files)
				return
			}
			require.Len(t, files, 1, said)
			got, err := os.ReadFile(files[0])
			require.NoError(t, err)
			envelope, text, _ := strings.Cut(string(got), "\r\n")
			assert.Equal(t, d.envelope(), envelope)
			assert.True(t, letter(d.text) == text, "%d bytes", len(text))
		})
	}
}

// envelope is what the server writes down: who to whom, and how it came.
func (d delivery) envelope() string {
	words := []string{"me@elsewhere.test", "eve@our.test", "clear", "nobody"}
	if d.from != "" {
		words[0] = d.from
	}
	if d.to != nil {
		var taken []string
		for _, who := range d.to {
			if !strings.HasPrefix(who, "nobody@") {
				taken = append(taken, who)
			}
		}
		words[1] = strings.Join(taken, ",")
	}
	if d.tls {
		words[2] = "tls"
	}
	if d.user {
		words[3] = "user"
	}
	return strings.Join(words, " ")
}

// A Postfix takes what examples/sendmail sends, with TLS where that is wanted, and
// passes it on to examples/smtp: the same bytes as at the beginning.
func TestSendmailToPostfix(t *testing.T) {
	needPostfix(t)
	post := openPost(t)
	id := identify(t, "localhost")
	o := post.order("")
	relay := startPostfix(t, append(o.postfix(),
		"smtpd_tls_cert_file = "+id.certFile, "smtpd_tls_key_file = "+id.keyFile, "smtpd_tls_security_level = may", "smtpd_tls_loglevel = 1",
		"smtpd_relay_restrictions = permit_auth_destination, reject", "smtpd_recipient_restrictions = check_recipient_access inline:{nobody@our.test=REJECT}")...)
	for _, d := range []delivery{
		{name: "clear", flags: []string{"-starttls", "none"}, text: "in clear\r\n"},
		{name: "opportunistic", flags: []string{"-starttls", "opportunistic"}, text: "over TLS\r\n"},
		{name: "dots", text: ".\r\n..\r\n.a\r\n\r\n.\r\n"},
		{name: "8 bits", text: "Grüße, 日本語\r\n"},
		{name: "10,000 lines", text: numbered(10_000)},
		{name: "some refused", to: []string{"nobody@our.test", "eve@our.test"}, text: "for one\r\n", status: 69, says: "554"},
		{name: "elsewhere", to: []string{"eve@other.test"}, status: 69, says: "554"},
	} {
		t.Run(d.name, func(t *testing.T) {
			before := len(post.delivered())
			status, said := d.sendmail(t, relay.dir+"/queue/public/smtpd", id.certFile)
			assert.Equal(t, d.status, status, said)
			assert.Contains(t, said, d.says)
			if d.text == "" {
				return
			}
			if d.name == "opportunistic" {
				relay.Expect("TLS connection established from")
			}
			relay.Expect(": removed")
			mail := post.delivered()
			require.Len(t, mail, before+1)
			assert.Condition(t, func() bool {
				for _, m := range mail {
					if strings.HasSuffix(m, "\r\n"+letter(d.text)) {
						return true
					}
				}
				return false
			})
		})
	}
}
