package ftp

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// A chaos is a client that says and does what comes to its mind, and does not wait.
type chaos struct {
	*world
	*rand.Rand
	said  []string
	data  []*end
	ports map[string]bool // that the server has told
}

// Whatever a client does and whenever, each of its commands is answered once and each
// file is closed once; whenever it goes, and whenever the server does, nothing stays.
func TestChaos(t *testing.T) {
	for seed := range uint64(300) {
		w := newWorld(t)
		w.files.put("/a", strings.Repeat("hello", 50_000))
		w.files.put("/b", "0123456789")
		c := &chaos{world: w, Rand: rand.New(rand.NewPCG(seed, 0)), ports: map[string]bool{}}
		for range 20 + c.IntN(40) {
			c.act()
			for range c.IntN(4) {
				w.Step()
			}
			c.look()
		}
		c.ends(int(seed % 4))
		if t.Failed() {
			t.Fatal("seed ", seed, " ", c.said)
		}
	}
}

var chaosLines = []string{
	"NOOP", "STAT", "ABOR", "ABOR", "EPSV", "EPSV", "EPSV", "RETR a", "RETR a", "STOR b", "STOR b", "APPE b", "NLST nowhere",
	"PORT 192,0,2,9,200,1", "CWD /", "REST 5", "TYPE I", "TYPE A", "", "\x00", strings.Repeat("x", maxLine+1),
}

func (c *chaos) act() {
	switch n := c.IntN(20); {
	case n < 10:
		c.sends(chaosLines[c.IntN(len(chaosLines))])
	case n < 13:
		c.connects()
	case n < 18:
		c.does()
	case n == 18:
		c.Advance(time.Duration(c.IntN(40)) * time.Second)
	default:
		c.Settle()
	}
}

// sends has a line on its way.
func (c *chaos) sends(l string) {
	c.said = append(c.said, l)
	c.Call(func() { c.ctrl.Write([]byte(l + "\r\n")) })
}

// connects has a data connection on its way.
func (c *chaos) connects() {
	for p := range c.ports {
		delete(c.ports, p)
		e := &end{}
		c.data = append(c.data, e)
		local := netip.AddrPortFrom(netip.MustParseAddr(clientIP), 0)
		c.Tuned(factory.Socket{LocalAddr: local}).Connect("tcp", p, factory.Each(func() protocol.Protocol { return e }))
		return
	}
}

// does something with the last data connection.
func (c *chaos) does() {
	if len(c.data) == 0 {
		return
	}
	e, n := c.data[len(c.data)-1], c.IntN(6)
	c.Call(func() {
		if !e.made || e.reason != nil {
			return
		}
		switch n {
		case 0:
			e.Abort()
		case 1:
			e.CloseWrite()
		case 2:
			e.PauseReading()
		case 3:
			e.ResumeReading()
		default:
			e.Write([]byte("begin"))
		}
	})
}

// look finds the ports in what was answered.
func (c *chaos) look() {
	for l := range strings.SplitSeq(c.ctrl.heard.String(), "\r\n") {
		var port int
		if _, err := fmt.Sscanf(l, "229 Entering Extended Passive Mode (|||%d|)", &port); err == nil {
			c.ports[net.JoinHostPort("192.0.2.1", fmt.Sprint(port))] = true
		}
	}
}

// ends the session in one of the ways there are.
func (c *chaos) ends(how int) {
	switch how {
	case 0:
		c.sends("QUIT")
	case 1:
		c.on(c.ctrl.Abort)
	case 2:
		c.goesDown()
	}
	for range 40 { // transfers that nobody comes for
		c.Advance(31 * time.Second)
	}
	finals := c.finals()
	switch {
	case how == 1:
		assert.LessOrEqual(c, len(finals), len(c.said))
	case c.ctrl.reason == nil && !c.ctrl.eof:
		c.Fatal("the session does not end")
	case strings.HasPrefix(finals[len(finals)-1], "421 "):
		assert.LessOrEqual(c, len(finals), len(c.said)+1)
	default:
		assert.Len(c, finals, len(c.said), finals)
		assert.Equal(c, "221 Goodbye", finals[len(finals)-1])
	}
	opens := 0
	for _, n := range c.files.notes {
		if op, _, _ := strings.Cut(n, " "); op == "open" || op == "create" || op == "append" {
			opens++
		} else if op == "close" {
			opens--
		}
	}
	assert.Zero(c, opens, "files are open")
	for p := range c.ports {
		assert.False(c, c.listens(p), "a port is open")
	}
	c.stops()
}

// finals returns the last line of each reply but those of 150.
func (c *chaos) finals() (finals []string) {
	for l := range strings.SplitSeq(c.ctrl.heard.String(), "\r\n") {
		if len(l) > 3 && l[3] == ' ' && l[0] > '1' {
			finals = append(finals, l)
		}
	}
	return finals
}

// stops has all end.
func (c *chaos) stops() {
	stopped := false
	c.AfterShutdown(func() { stopped = true })
	for _, e := range c.data {
		c.on(func() {
			if e.made && e.reason == nil {
				e.Abort()
			}
		})
	}
	c.Stop()
	c.Settle()
	require.True(c, stopped)
}
