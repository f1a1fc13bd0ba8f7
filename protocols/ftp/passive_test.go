package ftp

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/factory"
)

// The greetings of both kinds of passive mode, and what EPSV ALL forbids.
func TestPassiveReplies(t *testing.T) {
	w := newWorld(t)
	w.send("PASV\r\n")
	assert.Regexp(t, `^227 Entering Passive Mode \(192,0,2,1,\d+,\d+\)\.\r\n$`, w.take())
	w.says("EPSV 3", "501 Syntax: EPSV [1|2|ALL]")
	w.says("EPSV 2", "522 Use (1)")
	w.says("EPSV all", "200 Only EPSV from now on")
	w.says("PASV", "503 EPSV ALL was said")
	w.says("PORT 192,0,2,9,200,1", "503 EPSV ALL was said")
	w.says("EPRT |1|192.0.2.9|51201|", "503 EPSV ALL was said")
	w.passive()
	w.says("REIN", "220 Torsion FTP")
}

// Ports for data are closed without a look at the stack.
func TestPortsAreLoopClosers(t *testing.T) {
	w := newWorld(t)
	w.passive()
	assert.Implements(t, (*factory.LoopCloser)(nil), w.channel.port)
}

// Arguments of PORT and EPRT that are none.
func TestActiveArguments(t *testing.T) {
	w := newWorld(t)
	for _, arg := range []string{"1,2,3,4,5", "1,2,3,4,5,6,7", "1,2,3,4,5,256", "a,b,c,d,e,f", "-1,2,3,4,5,6", "192.0.2.9:51201"} {
		w.says("PORT "+arg, "501 Syntax: PORT h1,h2,h3,h4,p1,p2")
	}
	for _, arg := range []string{"|1|192.0.2.9|51201", "1|192.0.2.9|51201|", "|1|x|51201|", "|1|192.0.2.9|65536|", "|1|::1|51201|", "|2|fe80::1%1|51201|", "|", "||||", "||192.0.2.9|51201|", "|x|192.0.2.9|51201|"} {
		w.says("EPRT "+arg, "501 Syntax: EPRT |family|address|port|")
	}
	w.says("EPRT |3|192.0.2.9|51201|", "522 Use (1,2)")
	w.says("EPRT |70000|x|y|", "522 Use (1,2)")
}
