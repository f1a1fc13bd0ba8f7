package smtp_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// keeper knows one user, and another whom it cannot tell now.
func keeper(user, password string) error {
	switch {
	case user == "down":
		return &smtp.SMTPError{Code: 454, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "Later"}
	case user != "ann" || password != "secret":
		return errors.New("who?")
	}
	return nil
}

func users() *smtp.Local { return &smtp.Local{Authenticate: keeper, Login: true} }

// answer is what the server says: what is no reply of the Session's is 535.
func answer(err error) string {
	if _, ours := errors.AsType[*smtp.SMTPError](err); err != nil && !ours {
		return "535 5.7.8"
	}
	return code(err)
}

// auth is the conversation: each response a step, <nil> for none. It returns the
// challenges, and how it ended.
func auth(t *testing.T, p *smtp.Peer, mechanism string, responses ...string) (challenges []string, err error) {
	t.Helper()
	server, err := session(t, users(), p).(smtp.AuthSession).Auth(mechanism)
	require.NoError(t, err)
	for i, r := range responses {
		response := []byte(r)
		if r == "<nil>" {
			response = nil
		}
		challenge, done, err := server.Next(response)
		if err != nil {
			return challenges, err
		}
		if assert.Equal(t, i == len(responses)-1, done); done {
			return challenges, nil
		}
		challenges = append(challenges, string(challenge))
	}
	return challenges, nil
}

// A mechanism is offered if there is somebody to ask, and LOGIN only on demand.
func TestAuthMechanisms(t *testing.T) {
	for _, c := range []struct {
		l    *smtp.Local
		want []string
	}{
		{&smtp.Local{}, nil},
		{&smtp.Local{Login: true}, nil},
		{&smtp.Local{Authenticate: keeper}, []string{"PLAIN"}},
		{users(), []string{"PLAIN", "LOGIN"}},
	} {
		s := session(t, c.l, &smtp.Peer{}).(smtp.AuthSession)
		assert.Equal(t, c.want, s.AuthMechanisms())
		for _, mechanism := range []string{"PLAIN", "plain", "LOGIN", "CRAM-MD5", ""} {
			_, err := s.Auth(mechanism)
			offered := false
			for _, m := range c.want {
				offered = offered || strings.EqualFold(m, mechanism)
			}
			assert.Equal(t, offered, err == nil, mechanism)
		}
	}
}

// What leads to a user does, and sets Peer.User; all else is answered alike.
func TestAuthConversations(t *testing.T) {
	const denied = "535 5.7.8"
	for _, c := range []struct {
		mechanism string
		responses []string
		want      string
	}{
		{"PLAIN", []string{"\x00ann\x00secret"}, ""},
		{"PLAIN", []string{"<nil>", "\x00ann\x00secret"}, ""},
		{"PLAIN", []string{"ann\x00ann\x00secret"}, ""},
		{"PLAIN", []string{"bob\x00ann\x00secret"}, denied},
		{"PLAIN", []string{"Ann\x00ann\x00secret"}, denied},
		{"PLAIN", []string{"\x00ann\x00wrong"}, denied},
		{"PLAIN", []string{"\x00nobody\x00secret"}, denied},
		{"PLAIN", []string{"\x00\x00"}, denied},
		{"PLAIN", []string{"\x00\x00secret"}, denied},
		{"PLAIN", []string{""}, denied},
		{"PLAIN", []string{"ann"}, denied},
		{"PLAIN", []string{"\x00ann\x00secret\x00"}, denied},
		{"PLAIN", []string{"\x00down\x00secret"}, "454 4.7.0"},
		{"LOGIN", []string{"<nil>", "ann", "secret"}, ""},
		{"LOGIN", []string{"ann", "secret"}, ""},
		{"LOGIN", []string{"<nil>", "ann", "wrong"}, denied},
		{"LOGIN", []string{"ann", ""}, denied},
		{"LOGIN", []string{"", "secret"}, denied},
		{"LOGIN", []string{"<nil>", "<nil>", "<nil>"}, denied},
		{"LOGIN", []string{"down", "secret"}, "454 4.7.0"},
	} {
		p := new(smtp.Peer)
		_, err := auth(t, p, c.mechanism, c.responses...)
		assert.Equal(t, c.want, answer(err), "%s %q", c.mechanism, c.responses)
		assert.Equal(t, c.want == "", p.User == "ann", "%q", c.responses)
	}
}

// Clients of LOGIN know two challenges and no other.
func TestLoginChallenges(t *testing.T) {
	challenges, err := auth(t, new(smtp.Peer), "LOGIN", "<nil>", "ann", "secret")
	require.NoError(t, err)
	assert.Equal(t, []string{"Username:", "Password:"}, challenges)
	challenges, err = auth(t, new(smtp.Peer), "LOGIN", "ann", "secret")
	require.NoError(t, err)
	assert.Equal(t, []string{"Password:"}, challenges)
}

// Nothing follows the end, and who has failed does not get another try.
func TestAuthEnds(t *testing.T) {
	for mechanism, responses := range map[string][]string{
		"PLAIN": {"\x00ann\x00wrong"},
		"LOGIN": {"ann", "wrong"},
	} {
		p := new(smtp.Peer)
		server, err := session(t, users(), p).(smtp.AuthSession).Auth(mechanism)
		require.NoError(t, err)
		for _, r := range append(responses, "\x00ann\x00secret", "ann", "secret") {
			_, done, err := server.Next([]byte(r))
			assert.False(t, done && err == nil)
		}
		assert.Empty(t, p.User)
	}
}

// go-sasl's clients are understood.
func TestAuthClients(t *testing.T) {
	for _, client := range []sasl.Client{
		sasl.NewPlainClient("", "ann", "secret"), sasl.NewLoginClient("ann", "secret"),
	} {
		mechanism, response, err := client.Start()
		require.NoError(t, err)
		p := new(smtp.Peer)
		server, err := session(t, users(), p).(smtp.AuthSession).Auth(mechanism)
		require.NoError(t, err)
		for {
			challenge, done, err := server.Next(response)
			require.NoError(t, err)
			if done {
				break
			}
			response, err = client.Next(challenge)
			require.NoError(t, err)
		}
		assert.Equal(t, "ann", p.User)
	}
}

// Nobody is asked about what is no user or no password (RFC 4616, section 2), so that a
// directory which lets everybody in without one cannot.
func TestAuthNothing(t *testing.T) {
	l := &smtp.Local{Login: true, Authenticate: func(string, string) error { return nil }}
	for _, c := range [][]string{
		{"PLAIN", "\x00ann\x00"}, {"PLAIN", "\x00\x00secret"}, {"LOGIN", "ann", ""}, {"LOGIN", "", "secret"},
		{"LOGIN", "a\x00nn", "secret"}, {"LOGIN", "ann", "sec\x00ret"},
	} {
		p := new(smtp.Peer)
		server, err := session(t, l, p).(smtp.AuthSession).Auth(c[0])
		require.NoError(t, err)
		for _, r := range c[1:] {
			_, _, err = server.Next([]byte(r))
		}
		assert.Equal(t, "535 5.7.8", answer(err), "%q", c)
		assert.Empty(t, p.User)
	}
}
