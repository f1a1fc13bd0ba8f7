package chat_test

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/torsion-go/torsion/protocols/chat"
)

// A room needs no network: whatever can be written to can be in it.
func Example() {
	var room chat.Room
	var screen bytes.Buffer
	alice, _ := room.Enter(&screen, "10.0.0.1")
	bob, _ := room.Enter(new(bytes.Buffer), "10.0.0.2")
	alice.Hear([]byte("/name alice"))
	bob.Hear([]byte("hello, alice"))
	bob.Hear([]byte("/me waves"))
	bob.Hear([]byte("/exit"))
	fmt.Print(strings.ReplaceAll(screen.String(), "\r\n", "\n"))
	// Output:
	// Welcome to my chat server.
	// Send '/NAME [new name]' to change your name.
	// Send '/EXIT' to quit.
	// 10.0.0.2 has joined the party.
	// 10.0.0.1 changed name to alice
	// 10.0.0.2 says hello, alice
	// * 10.0.0.2 waves
	// 10.0.0.2 has disconnected.
}
