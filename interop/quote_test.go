package interop

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Our server gives Twisted's client a quote, and its own words from then on.
func TestQuoteServer(t *testing.T) {
	needTwisted(t)
	_, host, port := serve(t, "quote")
	client := start(t, python, "testdata/quote_client.py", host, port)
	client.Expect("\n") // the quote
	client.Say("one, two")
	client.Expect("one, two\r\n")
	client.Say("three")
	client.Expect("three\r\n")
	client.Say("bye")
	client.Expect("lost: ConnectionDone\n")
	assert.Zero(t, client.Ends())
}
