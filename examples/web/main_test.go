package main_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m) }

// start starts the program, and returns it with its two addresses.
func start(t *testing.T) (p *programtest.Program, lines, web string) {
	t.Helper()
	p = programtest.Start(t, programtest.Command("-reactors", "2", "-listen-http", "127.0.0.1:0", "-listen-line", "127.0.0.1:0"))
	return p, p.Behind(t, "lines on "), p.Behind(t, "http on ")
}

const usage = "Say 'set KEY VALUE', 'del KEY' or 'quit'."

// ask returns the status and the body of the answer.
func ask(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), programtest.Patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}

// What either side changes both see, people at once.
func TestTableIsShared(t *testing.T) {
	p, lines, web := start(t)
	keys := "http://" + web + "/keys"
	one := programtest.Dial(t, "tcp", lines)
	one.HearLines(usage)

	status, _ := ask(t, "PUT", keys+"/lunch", "soup \x1b[1m")
	assert.Equal(t, http.StatusNoContent, status)
	one.HearLines(`lunch = "soup \x1b[1m"`)
	one.SayLine("set dinner bread and cheese")
	one.HearLines(`dinner = "bread and cheese"`)
	_, all := ask(t, "GET", keys, "")
	assert.Equal(t, "dinner = \"bread and cheese\"\nlunch = \"soup \\x1b[1m\"\n", all)
	_, value := ask(t, "GET", keys+"/dinner", "")
	assert.Equal(t, "bread and cheese\n", value)

	two := programtest.Dial(t, "tcp", lines)
	two.HearLines(`dinner = "bread and cheese"`, `lunch = "soup \x1b[1m"`, usage)
	status, _ = ask(t, "DELETE", keys+"/lunch", "")
	assert.Equal(t, http.StatusNoContent, status)
	two.SayLine("del dinner")
	for _, c := range []*programtest.Client{one, two} {
		c.HearLines("lunch is gone", "dinner is gone")
	}
	one.SayLine("quit")
	one.HearEnd()
	p.Signal(t, syscall.SIGTERM)
	two.HearEnd()
	p.Ends(t)
}

// What cannot be is refused, with a reason.
func TestTableRefuses(t *testing.T) {
	_, lines, web := start(t)
	keys := "http://" + web + "/keys"
	for _, q := range []struct {
		method, key, body string
		status            int
	}{
		{"GET", "nothing", "", http.StatusNotFound},
		{"DELETE", "nothing", "", http.StatusNotFound},
		{"PUT", "a%20b", "", http.StatusBadRequest},
		{"PUT", "long", strings.Repeat("x", 257), http.StatusRequestEntityTooLarge},
	} {
		status, _ := ask(t, q.method, keys+"/"+q.key, q.body)
		assert.Equal(t, q.status, status, "%s %s", q.method, q.key)
	}
	for i := range 100 {
		status, _ := ask(t, "PUT", fmt.Sprintf("%s/%d", keys, i), "")
		require.Equal(t, http.StatusNoContent, status)
	}
	status, _ := ask(t, "PUT", keys+"/more", "")
	assert.Equal(t, http.StatusInsufficientStorage, status)

	c := programtest.Dial(t, "tcp", lines)
	for range 100 {
		c.HearLine()
	}
	c.HearLines(usage)
	for line, answer := range map[string]string{
		"hello":                             usage,
		"del nothing":                       "No: there is no such key.",
		"set ?":                             "No: a key is 1 to 64 letters, digits, dots, dashes and underscores.",
		"set one more":                      "No: there are 100 keys already.",
		"set 1 " + strings.Repeat("x", 257): "No: a value has at most 256 bytes.",
	} {
		c.SayLine(line)
		c.HearLines(answer)
	}
}
