package interop

import (
	"encoding/json"
	"mime"
	"net/mail"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What Python's email package makes arrives as a message that Go's can read, and a
// session goes on behind what was refused.
func TestSmtplibSendMessage(t *testing.T) {
	need(t, python, "-c", "import smtplib")
	p := openPost(t)
	o, err := json.Marshal(p.order(""))
	require.NoError(t, err)
	success, said := ends(t, python, "testdata/smtplib_message.py", string(o))
	assert.True(t, success)
	assert.Contains(t, said, "refused: {'nobody@our.test': (550, b'5.1.1 No such mailbox here')}\n")
	assert.Contains(t, said, "(252, b'2.1.5 ")
	assert.Contains(t, said, "(214, b'2.0.0 ")
	var got []string
	for _, text := range p.mail() {
		m, err := mail.ReadMessage(strings.NewReader(text))
		require.NoError(t, err)
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		assert.NoError(t, err)
		assert.Equal(t, "Grüße", subject)
		assert.Empty(t, m.Header.Get("Bcc"))
		got = append(got, strings.Join(m.Header["Delivered-To"], " ")+" from "+m.Header.Get("Return-Path"))
	}
	assert.ElementsMatch(t, []string{
		"eve@our.test bob@our.test from <me@elsewhere.test>",
		"zoë@our.test bob@our.test from <jürgen@elsewhere.test>",
	}, got)
}
