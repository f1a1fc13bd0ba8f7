package interop

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// A room has telnet, nc and a raw socket in it, and none notices a difference.
func TestChat(t *testing.T) {
	need(t, "telnet")
	need(t, "nc", "-h")
	need(t, python, "-c", "")
	_, host, port := serve(t, "chat")

	alice := start(t, "telnet", host, port)
	welcome(alice, "alice")

	bob := start(t, "nc", host, port)
	alice.Expect(" has joined the party.")
	welcome(bob, "bob")
	alice.Expect(" changed name to bob")

	carol := start(t, python, "testdata/raw_client.py", host, port) // one byte at a time
	for _, p := range []*program{alice, bob} {
		p.Expect(" has joined the party.")
	}
	welcome(carol, "carol")
	room := []*program{alice, bob, carol}
	for _, p := range room[:2] {
		p.Expect(" changed name to carol")
	}

	for i, text := range []string{"hello, everyone", "grüß dich, alice", "one byte at a time"} {
		room[i].Say(text)
		for _, p := range room {
			p.Expect([]string{"alice", "bob", "carol"}[i] + " says " + text)
		}
	}

	bob.Say("/EXIT")
	assert.NoError(t, bob.stdin.Close()) // nc stays until it is told so, too
	assert.Zero(t, bob.Ends())
	for _, p := range []*program{alice, carol} {
		p.Expect("bob has disconnected.")
	}
	assert.NoError(t, carol.stdin.Close())
	assert.Zero(t, carol.Ends())
	alice.Expect("carol has disconnected.")
	alice.Say("/EXIT")
	alice.Expect("Connection closed by foreign host.")
	alice.Ends()
}

// welcome has a newcomer greeted and take a name.
func welcome(p *program, name string) {
	p.t.Helper()
	p.Expect("Welcome to my chat server.")
	p.Expect("Send '/NAME [new name]' to change your name.")
	p.Expect("Send '/EXIT' to quit.")
	p.Say("/NAME " + name)
	p.Expect(" changed name to " + name)
}

// Who presses Ctrl-C in telnet, which sends telnet's own commands, some of them
// as urgent data, stays in the room, hears the others, and shows nothing of it.
func TestChatInterrupt(t *testing.T) {
	need(t, "telnet")
	need(t, "script", "--version")
	_, host, port := serve(t, "chat")
	alice := start(t, "script", "-qfc", "telnet "+host+" "+port, "/dev/null") // on a terminal
	welcome(alice, "alice")
	bob := start(t, "nc", host, port)
	welcome(bob, "bob")
	_, err := alice.stdin.Write([]byte("\x03"))
	assert.NoError(t, err)
	alice.Say("still here")
	bob.Expect("\r\nalice says still here\r\n")
	bob.Say("so am I")
	alice.Expect("bob says so am I")
}

// Over TLS it is the same room.
func TestChatTLS(t *testing.T) {
	need(t, "openssl", "version")
	need(t, "gnutls-cli", "--version")
	_, host, port := serve(t, "chat", "-tls-self-signed")
	alice := start(t, "openssl", "s_client", "-quiet", "-connect", host+":"+port)
	welcome(alice, "alice")
	bob := start(t, "gnutls-cli", "--insecure", "--port", port, host)
	welcome(bob, "bob")
	alice.Expect(" changed name to bob\r\n")
	alice.Say("hello")
	bob.Expect("alice says hello\r\n")
	bob.Say("so am I")
	alice.Expect("bob says so am I\r\n")
	bob.Say("/EXIT")
	bob.Ends()
	alice.Expect("bob has disconnected.\r\n")
	alice.Say("/EXIT")
	assert.Zero(t, alice.Ends())
}
