package ftp

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Users log in with their passwords, and nobody without one but anonymous.
func TestUsers(t *testing.T) {
	files := &fakeFiles{}
	u := Users{
		"anonymous": {AnyPassword: true, Account: Account{Files: files}},
		"ann":       {Password: "sesame", Account: Account{Files: files, Allow: ReadWrite}},
		"empty":     {Account: Account{Files: files}},
	}
	for _, c := range []struct {
		user, password string
		ok             bool
	}{
		{"ann", "sesame", true}, {"ann", "Sesame", false}, {"ann", "", false}, {"Ann", "sesame", false},
		{"anonymous", "", true}, {"ftp", "me@example.com", true}, {"empty", "", false}, {"nobody", "", false}, {"", "", false},
	} {
		a, err := u.Login(&Peer{}, c.user, c.password)
		assert.Equal(t, c.ok, err == nil, "%q %q", c.user, c.password)
		assert.Equal(t, c.ok, a != nil)
	}
	a, _ := u.Login(&Peer{}, "ann", "sesame")
	a.Home = "/x"
	b, _ := u.Login(&Peer{}, "ann", "sesame")
	assert.Empty(t, b.Home, "each session has its own")
}
