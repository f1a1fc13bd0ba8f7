package ftp

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// replies have the form of RFC 959, section 4.2, with no control characters.
var replies = regexp.MustCompile(`^(?:[1-5]\d\d [ -~\x80-\x{10ffff}]*\r\n|[1-5]\d\d-[ -~\x80-\x{10ffff}]*\r\n(?: [ -~\x80-\x{10ffff}]*\r\n)*[1-5]\d\d [ -~\x80-\x{10ffff}]*\r\n)*$`)

// momentary commands are answered by what there is at the moment, and STOU at random.
var momentary = regexp.MustCompile("ABOR|STAT|STOU")

// Whatever is said on a control connection, and however it is cut, the answers are the same
// and a client can read their ends; no command is answered twice, and when the
// connection has ended the server can stop.
func FuzzSession(f *testing.F) {
	for _, s := range []string{
		"CWD d\r\nPWD\r\nMKD \"\r\nRNFR \"\r\nRNTO x\r\nMLST x\r\nSTAT /\r\nRMD x\r\n", "TYPE A\r\nREST 5\r\nSIZE a.txt\r\nMDTM a.txt\r\nDELE a.txt\r\n",
		"EPSV ALL\r\nPASV\r\nEPSV 1\r\nEPSV\r\nSTOR b\r\nNOOP\r\nABOR\r\n", "PASV\r\nRETR a.txt\r\nSTAT\r\nABOR\r\nQUIT\r\n", "PORT 192,0,2,9,4,0\r\nLIST -la\r\nQUIT\r\n",
		"EPRT |2|::1|2000|\r\nOPTS MLST size;\r\nFEAT\r\nHELP\r\nMFMT 20260102030405.5 a.txt\r\n", "\xff\xf4\xff\xf2ABOR\r\nNOOP\n\x00\r\nXCWD ../../..\r\n",
		"REIN\r\nUSER x\r\nPASS y\r\nUSER eve\r\nPASS sesame\r\n", "SITE CHMOD 700 a.txt\r\nALLO 1 R 2\r\nSTRU R\r\nMODE B\r\nACCT\r\nHOST x\r\nAUTH TLS\r\nPBSZ 0\r\nPROT P\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		run := func(pieces ...string) string {
			w := newWorld(t)
			w.account.Files = someFiles()
			w.send("REIN\r\nUSER eve\r\nPASS sesame\r\n")
			w.take()
			for _, p := range pieces {
				w.send(p)
			}
			out := w.take()
			w.on(w.ctrl.Abort)
			stopped := false
			w.AfterShutdown(func() { stopped = true })
			w.Stop()
			w.Settle()
			assert.True(t, stopped)
			return out
		}
		out, upper := run(in), strings.ToUpper(in)
		if strings.Contains(in, "\xff") { // telnet's, which has answers of its own, at once
			return
		}
		if !momentary.MatchString(upper) {
			var bytes []string
			for i := range len(in) {
				bytes = append(bytes, in[i:i+1])
			}
			assert.Equal(t, out, run(bytes...))
		}
		assert.Regexp(t, replies, out)
		finals := 0
		for l := range strings.Lines(out) {
			if l[0] > '1' && l[3] == ' ' {
				finals++
			}
		}
		// A last line that is too long is refused before its end, and an ABOR answers the
		// transfer that it ends as well (RFC 959, section 4.1.3).
		assert.LessOrEqual(t, finals, 1+strings.Count(in, "\n")+strings.Count(upper, "ABOR"))
	})
}
