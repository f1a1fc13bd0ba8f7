package main_test

import (
	"context"
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

// request returns the status and the body of the answer.
func request(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), programtest.Patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Close = true // shutting down must not wait for an idle connection
	answer, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}

// What is posted by HTTP is read by telnet.
func TestBoard(t *testing.T) {
	p := programtest.Serve(t, "-listen", "127.0.0.1:0", "-http", "127.0.0.1:0")
	web := "http://" + p.Behind(t, "http on ")
	one := p.Dial(t)
	one.HearLines("You are reader 1. Send 'quit' to leave.")
	two := p.Dial(t)
	two.HearLines("You are reader 2. Send 'quit' to leave.")
	_, n := request(t, "GET", web+"/readers", "")
	assert.Equal(t, "2\n", n)

	status, _ := request(t, "POST", web+"/notices", "Lunch\r\nis \x1b[1mready.\n")
	assert.Equal(t, http.StatusAccepted, status)
	one.HearLines("Lunch  is  [1mready.")
	two.HearLines("Lunch  is  [1mready.")

	status, _ = request(t, "POST", web+"/readers/2", "Yours alone.")
	assert.Equal(t, http.StatusNoContent, status)
	two.HearLines("Yours alone.")
	status, _ = request(t, "POST", web+"/readers/3", "x")
	assert.Equal(t, http.StatusNotFound, status)
	status, _ = request(t, "POST", web+"/notices", strings.Repeat("x", 2000))
	assert.Equal(t, http.StatusRequestEntityTooLarge, status)

	one.Say("quit\n")
	one.HearEnd()
	p.Signal(t, syscall.SIGTERM)
	two.HearEnd()
	p.Ends(t)
}
