package interop

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// A person at telnet sees what is typed, but for the password.
func TestLoginPassword(t *testing.T) {
	need(t, "telnet")
	need(t, "script", "--version")
	_, host, port := serve(t, "login")
	eve := start(t, "script", "-qfc", "telnet "+host+" "+port, "/dev/null") // on a terminal
	eve.Expect("Name: ")
	eve.Say("eve")
	eve.Expect("eve")
	eve.Expect("Password: ")
	eve.Say("wrong one")
	eve.Expect("Password: ")
	eve.Say("sesame")
	eve.Expect("Welcome.")
	eve.Say("visible")
	eve.Expect("visible")
	eve.Expect("7 characters, \"eve\".")
	assert.NotContains(t, eve.Said(), "wrong one")
	assert.NotContains(t, eve.Said(), "sesame")
}

// With nc there is nothing to hide behind, and all else is the same.
func TestLoginByNetcat(t *testing.T) {
	need(t, "nc", "-h")
	_, host, port := serve(t, "login")
	eve := start(t, "nc", host, port)
	eve.Expect("Name: ")
	eve.Say("eve")
	eve.Expect("Password: ")
	eve.Say("sesame")
	eve.Expect("Welcome.")
}
