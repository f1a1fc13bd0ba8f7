package smtp

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/emersion/go-sasl"
)

// authenticate says who we are, if we are somebody (RFC 4954). It is not go-smtp's,
// which answers a refusal with a "*" of its own and waits for the reply to that.
func (t *talk) authenticate() error {
	if !t.config.authenticates() {
		return nil
	}
	mechanism, err := t.mechanism()
	if err != nil {
		return &SendError{Verb: "AUTH", Err: err}
	}
	name, response, err := mechanism.Start()
	if err != nil {
		return &SendError{Verb: "AUTH", Err: err}
	}
	if !t.smtp.SupportsAuth(name) {
		return &SendError{Verb: "AUTH", Err: fmt.Errorf("%w: the server does not offer %s", ErrNoAuth, name)}
	}
	line := "AUTH " + name
	if response != nil {
		line += " " + initial(response)
	}
	return t.exchange(line, mechanism)
}

// mechanism is the way that both know.
func (t *talk) mechanism() (sasl.Client, error) {
	c := t.config
	switch {
	case c.Auth != nil:
		return c.Auth, nil
	case t.smtp.SupportsAuth(sasl.Plain):
		return sasl.NewPlainClient("", c.User, c.Password), nil
	case t.smtp.SupportsAuth(sasl.Login):
		return &loginClient{answers: []string{c.User, c.Password}}, nil
	}
	_, offered := t.smtp.Extension("AUTH")
	if offered == "" {
		return nil, fmt.Errorf("%w: the server offers no AUTH", ErrNoAuth)
	}
	return nil, fmt.Errorf("%w: the server knows neither PLAIN nor LOGIN, but %q", ErrNoAuth, offered)
}

// initial is an initial response, which may be empty (RFC 4954, section 4).
func initial(response []byte) string {
	if len(response) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(response)
}

// exchange answers challenges until there are no more.
func (t *talk) exchange(line string, mechanism sasl.Client) error {
	t.wire.patience = t.config.Timeouts.Command
	r, err := t.wire.command(line)
	for err == nil && r.code == 334 {
		var response []byte
		challenge, failed := base64.StdEncoding.DecodeString(r.text())
		if failed == nil {
			response, failed = mechanism.Next(challenge)
		}
		if failed != nil {
			_, _ = t.wire.command("*") // the reply is that it was refused
			return &SendError{Verb: "AUTH", Err: fmt.Errorf("%w: %w", ErrNoAuth, failed)}
		}
		r, err = t.wire.command(base64.StdEncoding.EncodeToString(response))
	}
	return t.expect("AUTH", 235, r, err)
}

// A loginClient is the LOGIN mechanism, which nothing specifies: name and password
// are asked for in this order, with whatever words.
type loginClient struct{ answers []string }

func (l *loginClient) Start() (string, []byte, error) { return sasl.Login, nil, nil }

func (l *loginClient) Next([]byte) ([]byte, error) {
	if len(l.answers) == 0 {
		return nil, errors.New("smtp: LOGIN asks for more than name and password")
	}
	answer := l.answers[0]
	l.answers = l.answers[1:]
	return []byte(answer), nil
}
