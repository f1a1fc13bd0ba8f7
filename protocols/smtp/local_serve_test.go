package smtp_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
	"github.com/torsion-go/torsion/protocoltest"
)

// talk sends lines to a server, as 192.0.2.2, and returns the codes of its replies and
// the last line.
func talk(c smtp.Config, b smtp.Backend, in string) (codes, last string) {
	c.Domain = "mx.our.test"
	tr := protocoltest.Connect(c.New(b).BuildProtocol(nil))
	tr.Receive(strings.ReplaceAll(in, "\n", "\r\n"))
	for l := range strings.SplitSeq(strings.TrimSuffix(tr.Take(), "\r\n"), "\r\n") {
		if l[3] == ' ' {
			codes += l[:3] + " "
		}
		last = l
	}
	return codes, last
}

const greeting = "220 250 "

// A server with an Inbox: mail for us is there, under the name that the client was
// told, and mail for others is not taken.
func TestServeInbox(t *testing.T) {
	var inbox smtp.Inbox
	l := &smtp.Local{Domains: []string{"our.test"}, Delivery: &inbox}
	codes, last := talk(smtp.Config{}, l, "EHLO me\nMAIL FROM:<>\nRCPT TO:<x@other.test>\n"+
		"RCPT TO:<victim%other.test@our.test>\nRCPT TO:<@other.test:\"victim@other.test\"@our.test>\n"+
		"RCPT TO:<Bob@Our.Test>\nRCPT TO:<PostMaster>\nDATA\nhello\n.\n")
	assert.Equal(t, greeting+"250 550 550 550 250 250 354 250 ", codes)
	m, err := inbox.Next(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "hello\r\n", string(m.Text))
	assert.Equal(t, "250 2.0.0 Ok: queued as "+m.ID, last)
	assert.Equal(t, []smtp.Recipient{{Address: "Bob@Our.Test"}, {Address: "PostMaster"}}, m.To)
	assert.Contains(t, string(m.Received()), "from me ([192.0.2.2]) by mx.our.test with ESMTP id "+m.ID+";")
}

// A nil that was made an error is no password that was right, and nothing that ends a server.
func TestServeNilReply(t *testing.T) {
	l := &smtp.Local{Authenticate: func(string, string) error {
		var none *smtp.SMTPError
		return none
	}}
	config := smtp.Config{Domain: "mx.our.test", AllowInsecureAuth: true}
	tr := protocoltest.Connect(config.New(l).BuildProtocol(nil))
	tr.Receive("EHLO me\r\n")
	tr.Take()
	tr.Receive("AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00ann\x00secret")) + "\r\nNOOP\r\n")
	tr.Advance(time.Second)
	assert.Equal(t, "535 5.7.8 Authentication failed\r\n250 2.0.0 Ok\r\n", tr.Take())
	tr.Do(tr.Abort)
}

// Who has logged in sends elsewhere, and nobody else does.
func TestServeUsers(t *testing.T) {
	var here, elsewhere smtp.Inbox
	l := &smtp.Local{
		Domains: []string{"our.test"}, Delivery: &here, Outgoing: &elsewhere, Authenticate: keeper, RequireAuth: true,
	}
	config := smtp.Config{AllowInsecureAuth: true}
	plain := base64.StdEncoding.EncodeToString([]byte("\x00ann\x00secret"))
	const send = "MAIL FROM:<ann@our.test>\nRCPT TO:<x@other.test>\nRCPT TO:<bob@our.test>\nDATA\nhello\n.\n"
	codes, _ := talk(config, l, "EHLO me\nMAIL FROM:<ann@our.test>\n")
	assert.Equal(t, greeting+"530 ", codes)
	codes, _ = talk(config, l, "EHLO me\nAUTH LOGIN\nAUTH PLAIN "+plain+"\n"+send)
	assert.Equal(t, greeting+"504 235 250 250 250 354 250 ", codes)
	require.Len(t, here.Messages(), 1)
	require.Len(t, elsewhere.Messages(), 1)
	m := elsewhere.Messages()[0]
	assert.Equal(t, "x@other.test", m.To[0].Address)
	assert.Equal(t, "ann", m.Peer.User)
	assert.Contains(t, string(m.Received()), "with ESMTPA")
	l.Login = true
	codes, _ = talk(config, l, "EHLO me\nAUTH LOGIN\nYW5u\nc2VjcmV0\n"+send)
	assert.Equal(t, greeting+"334 334 235 250 250 250 354 250 ", codes)
	codes, _ = talk(smtp.Config{}, l, "EHLO me\nAUTH PLAIN "+plain+"\n")
	assert.Equal(t, greeting+"538 ", codes, "in clear")
}

// Small messages and large ones come to the same, in any cut.
func TestServeMaildir(t *testing.T) {
	for _, lines := range []int{1, 3000} {
		text := strings.Repeat("a line of text\n", lines)
		m := byUser(t)
		l := &smtp.Local{Delivery: m}
		codes, last := talk(smtp.Config{MaxMemory: 4096}, l,
			"EHLO me\nMAIL FROM:<a@other.test>\nRCPT TO:<b@our.test>\nRCPT TO:<c@our.test>\nDATA\n"+text+".\n")
		assert.Equal(t, greeting+"250 250 250 354 250 ", codes)
		for _, who := range []string{"b@our.test", "c@our.test"} {
			got := files(t, m.Dir, who, "new")
			require.Len(t, got, 1)
			assert.Contains(t, got[0], "Return-Path: <a@other.test>\r\nDelivered-To: "+who+"\r\nReceived: from me")
			assert.Contains(t, got[0], strings.TrimPrefix(last, "250 2.0.0 Ok: queued as "))
			assert.True(t, strings.HasSuffix(got[0], "\r\n"+strings.ReplaceAll(text, "\n", "\r\n")))
			assert.Equal(t, lines, strings.Count(got[0], "a line of text"))
			assert.Empty(t, files(t, m.Dir, who, "tmp"))
		}
	}
}

// A message that breaks off leaves nothing, however large it was.
func TestServeMaildirHalf(t *testing.T) {
	m := maildir(t)
	tr := protocoltest.Connect(smtp.Config{MaxMemory: 4096}.New(&smtp.Local{Delivery: m}).BuildProtocol(nil))
	tr.Receive("EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<b@our.test>\r\nDATA\r\n" + strings.Repeat("a line of text\r\n", 3000))
	only(t, m.Dir, "tmp")
	tr.EOF()
	assert.Empty(t, files(t, m.Dir, "tmp"))
	assert.Empty(t, files(t, m.Dir, "new"))
}

// Over LMTP one full mailbox does not stop the others.
func TestServeMaildirLMTP(t *testing.T) {
	for _, lines := range []int{1, 3000} {
		m := byUser(t)
		require.NoError(t, m.Open())
		require.NoError(t, os.WriteFile(filepath.Join(m.Dir, "bad@our.test"), nil, 0o600))
		codes, _ := talk(smtp.Config{MaxMemory: 4096, LMTP: true}, &smtp.Local{Delivery: m}, "LHLO me\nMAIL FROM:<>\n"+
			"RCPT TO:<bad@our.test>\nRCPT TO:<b@our.test>\nRCPT TO:<c@our.test>\nRCPT TO:<b@our.test>\nDATA\n"+
			strings.Repeat("a line of text\n", lines)+".\n")
		assert.Equal(t, greeting+"250 250 250 250 250 354 451 250 250 250 ", codes)
		for _, who := range []string{"b@our.test", "c@our.test"} {
			got := files(t, m.Dir, who, "new")
			require.Len(t, got, 1)
			assert.Equal(t, lines, strings.Count(got[0], "a line of text\r\n"))
			assert.Contains(t, got[0], "with LMTP")
			assert.Empty(t, files(t, m.Dir, who, "tmp"))
		}
	}
}

// A message cannot go on with the fields that are written in front of it: it would say in
// our name whom it is from.
func TestServeBeginsWithItsOwnHeader(t *testing.T) {
	for _, lmtp := range []bool{false, true} {
		for _, memory := range []int{0, 4} {
			m := maildir(t)
			hello := map[bool]string{false: "EHLO", true: "LHLO"}[lmtp]
			codes, last := talk(smtp.Config{LMTP: lmtp, MaxMemory: memory}, &smtp.Local{Delivery: m},
				hello+" me\nMAIL FROM:<>\nRCPT TO:<b@our.test>\nDATA\n\t(ann, who has logged in)\nSubject: x\n\n.\n")
			assert.Equal(t, greeting+"250 250 354 554 ", codes)
			assert.Equal(t, "554 5.6.0 The message begins with a folded line", last)
			require.NoError(t, m.Open())
			assert.Empty(t, files(t, m.Dir, "new"))
			assert.Empty(t, files(t, m.Dir, "tmp"))
		}
	}
}
