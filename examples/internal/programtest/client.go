package programtest

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A Client is somebody with a raw socket.
type Client struct {
	net.Conn
	In *bufio.Reader
	t  testing.TB
}

// Dial connects to a program. The test's end closes, and nothing takes longer than Patience.
func Dial(t testing.TB, network, addr string) *Client {
	t.Helper()
	c, err := net.DialTimeout(network, addr, Patience)
	require.NoError(t, err)
	return Own(t, c)
}

// Own does so with a connection that there is.
func Own(t testing.TB, c net.Conn) *Client {
	t.Helper()
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(Patience)))
	return &Client{c, bufio.NewReader(c), t}
}

func (c *Client) Read(p []byte) (int, error) { return c.In.Read(p) }

// Say sends text.
func (c *Client) Say(text string) {
	c.t.Helper()
	_, err := io.WriteString(c, text)
	require.NoError(c.t, err)
}

// Hear requires that text comes next.
func (c *Client) Hear(text string) {
	c.t.Helper()
	got := make([]byte, len(text))
	_, err := io.ReadFull(c, got)
	require.NoError(c.t, err)
	require.Equal(c.t, text, string(got))
}

// SayLine sends a line.
func (c *Client) SayLine(line string) {
	c.t.Helper()
	c.Say(line + "\r\n")
}

// HearLine returns the next line, with its end.
func (c *Client) HearLine() string {
	c.t.Helper()
	got, err := c.In.ReadString('\n')
	require.NoError(c.t, err)
	return got
}

// HearLines requires that these lines come next.
func (c *Client) HearLines(lines ...string) {
	c.t.Helper()
	for _, want := range lines {
		require.Equal(c.t, want+"\r\n", c.HearLine())
	}
}

// HearRest returns all that comes until the other side closes.
func (c *Client) HearRest() string {
	c.t.Helper()
	all, err := io.ReadAll(c)
	require.NoError(c.t, err)
	return string(all)
}

// HearEnd requires that the other side has closed, and does so too.
func (c *Client) HearEnd() {
	c.t.Helper()
	require.Empty(c.t, c.HearRest())
	c.Close()
}
