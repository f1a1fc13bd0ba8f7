package main_test

import (
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m) }

// A client is given a quote, and hears what it says until it hangs up.
func TestBothEnds(t *testing.T) {
	p := programtest.Serve(t, "-listen", "127.0.0.1:0")
	begun := time.Now()
	out, err := programtest.Command("-connect", p.Addr).Output()
	assert.NoError(t, err, "status 0")
	assert.GreaterOrEqual(t, time.Since(begun), 2*time.Second)
	quote, rest, _ := strings.Cut(string(out), "\n")
	assert.Contains(t, quote, "(Dijkstra)")
	assert.Equal(t, "heard \"Hello\"\nheard \"1\"\nheard \"2\"\nheard \"3\"\nheard \"4\"\nheard \"world\"\n", rest)
	p.Stop(t, syscall.SIGTERM)
}

// Each connection gets another quote, and then its own words.
func TestServer(t *testing.T) {
	p := programtest.Serve(t, "-reactors", "1", "-listen", "[::1]:0") // each loop has quotes of its own
	quotes := make(map[string]bool)
	for range 3 {
		c := p.Dial(t)
		quotes[c.HearLine()] = true
		c.Say("and so on")
		c.Hear("and so on")
		c.Close()
	}
	assert.Len(t, quotes, 3)
	p.Stop(t, syscall.SIGINT)
}

// A client's words come when they are due: five at once, one after a second, the
// end after two.
func TestClient(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	begun := time.Now()
	p := programtest.Start(t, programtest.Command("-connect", l.Addr().String()))
	conn, err := l.Accept()
	require.NoError(t, err)
	c := programtest.Own(t, conn)
	c.Hear("Hello\r\n1\r\n2\r\n3\r\n4\r\n")
	c.Hear("world\r\n")
	assert.GreaterOrEqual(t, time.Since(begun), time.Second)
	c.HearEnd()
	assert.GreaterOrEqual(t, time.Since(begun), 2*time.Second)
	p.Ends(t)
}
