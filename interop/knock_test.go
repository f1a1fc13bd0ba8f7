package interop

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// joke is what both ends of a joke see of it.
var joke = []string{"Knock knock", "Who's there?", "Disappearing client", "Disappearing client who?"}

// Our server tells the joke to Twisted's client, and says what was said.
func TestKnockServer(t *testing.T) {
	needTwisted(t)
	server, host, port := serve(t, "knock")
	client := start(t, python, "testdata/knock_client.py", host, port)
	client.Expect("heard: " + joke[1] + "\n")
	client.Expect("heard: " + joke[3] + "\n")
	client.Expect("lost: ConnectionDone\n")
	assert.Zero(t, client.Ends())
	for i, line := range joke {
		server.Expect([]string{"Client", "Server"}[i%2] + ": " + line + "\n")
	}
}

// Our server answers anything with "... who?".
func TestKnockServerAnything(t *testing.T) {
	needTwisted(t)
	_, host, port := serve(t, "knock")
	client := start(t, python, "testdata/knock_client.py", host, port, "Tank")
	client.Expect("heard: " + joke[1] + "\n")
	client.Expect("heard: Tank who?\n")
	assert.Zero(t, client.Ends())
}

// Our client tells the joke to Twisted's server and hangs up.
func TestKnockClient(t *testing.T) {
	needTwisted(t)
	server := start(t, python, "testdata/knock_server.py", "0")
	addr := server.Line("listening on ")
	client := start(t, build(t, "knock"), "-connect", addr)
	for i, line := range joke {
		server.Expect([]string{"Client", "Server"}[i%2] + ": " + line + "\n")
	}
	assert.Zero(t, client.Ends())
}

// Our client says clearly that nobody is there.
func TestKnockClientNobody(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	addr := l.Addr().String()
	l.Close()
	client := start(t, build(t, "knock"), "-connect", addr)
	assert.NotZero(t, client.Ends())
	assert.True(t, strings.Contains(client.Said(), addr) && strings.Contains(client.Said(), "refused"), client.Said())
}
