package ftp

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// A sipping client takes a little, once in a while.
type sipping struct{ end }

func (s *sipping) DataReceived(p []byte) {
	s.end.DataReceived(p)
	s.PauseReading()
}

// sips begins a download of the file a by such a client.
func (w *world) sips() *sipping {
	w.Helper()
	d := &sipping{}
	local := netip.AddrPortFrom(netip.MustParseAddr(clientIP), 0)
	w.Tuned(factory.Socket{LocalAddr: local}).Connect("tcp", w.passive(), factory.Each(func() protocol.Protocol { return d }))
	w.Settle()
	w.send("RETR a\r\n")
	assert.Regexp(w, "^150 [^\n]*\n$", w.take())
	return d
}

// onDisk has files that are sent by sendfile.
type onDisk struct {
	*fakeFiles
	dir string
}

func (f onDisk) Open(name string) (File, error) { return os.Open(filepath.Join(f.dir, name)) }

// A download takes as long as it takes, if something moves.
func TestSlowDownload(t *testing.T) {
	text := strings.Repeat("x", 3<<20)
	for _, kind := range []string{"sendfile", "chunks", "text"} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			w.files.put("/a", text)
			switch kind {
			case "sendfile":
				dir := t.TempDir()
				require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), []byte(text), 0o600))
				w.logsIn(Account{Files: onDisk{w.files, dir}})
			case "text":
				w.says("TYPE A", "200 Ok")
			}
			d := w.sips()
			for began := w.Now(); !d.eof; w.on(d.ResumeReading) {
				w.Advance(2 * time.Minute)
				require.Less(t, w.Now().Sub(began), 24*time.Hour)
			}
			w.hears(complete + "\r\n")
			assert.Equal(t, len(text), d.heard.Len())
		})
	}
}

// STAT tells how much of a file has been sent, also by sendfile. A file that grows
// meanwhile is sent as it is then.
func TestStatOfDownload(t *testing.T) {
	const size = 3*piece + 1000
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "a")
	require.NoError(t, os.WriteFile(file, make([]byte, size), 0o600))
	w.logsIn(Account{Files: onDisk{w.files, filepath.Dir(file)}})
	d := w.sips()
	require.NoError(t, os.Truncate(file, size+1000))
	told := map[string]bool{}
	for !d.eof {
		w.send("STAT\r\n")
		for l := range strings.Lines(w.take()) {
			if n, found := strings.CutPrefix(l, " Transferring: "); found {
				told[strings.TrimSpace(n)] = true
			}
		}
		w.on(d.ResumeReading)
	}
	assert.Equal(t, map[string]bool{"0 bytes so far": true, "4194304 bytes so far": true, "8388608 bytes so far": true, "12582912 bytes so far": true}, told)
	assert.Equal(t, size+1000, d.heard.Len())
	w.hears("")
}

// A file that is cut short while it is sent is not taken for a whole one.
func TestFileIsCutInDownload(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "a")
	require.NoError(t, os.WriteFile(file, make([]byte, 3*piece), 0o600))
	w.logsIn(Account{Files: onDisk{w.files, filepath.Dir(file)}})
	d := w.sips()
	require.NoError(t, os.Truncate(file, piece/2))
	for !d.eof && d.reason == nil {
		w.on(d.ResumeReading)
	}
	w.hears("451 Cannot read on\r\n")
}

// What a connection tells when its download is over is not told of the next transfer.
func TestLateEndOfDownload(t *testing.T) {
	w := newWorld(t)
	w.files.put("/a", strings.Repeat("x", 1<<20))
	d := w.dial(clientIP, w.passive())
	w.on(d.PauseReading)
	w.says("RETR a", "150 Opening data connection for 1048576 bytes")
	late := w.channel.job.(*download)
	w.says("ABOR", "426 Transfer aborted", "226 Aborted")
	d = w.storing()
	w.on(func() { late.end(syscall.ECONNRESET) })
	w.on(d.CloseWrite)
	w.hears(complete + "\r\n")
}

// One second of burst is for all transfers of a session, and not for each.
func TestThrottleOfSession(t *testing.T) {
	throttle := &factory.Throttle{Read: 10_000, Write: 10_000}
	w := newWorld(t, func(c *Config) { c.Data = throttle.Together })
	began := w.Now()
	for range 20 {
		d := w.storing()
		w.on(func() { d.Write(make([]byte, 9_995)); d.CloseWrite() })
		w.within(complete)
		w.dial(clientIP, w.passive())
		w.send("RETR b\r\n")
		w.within("150 Opening data connection for 10000 bytes\r\n" + complete)
	}
	assert.InDelta(t, 19, w.Now().Sub(began).Seconds(), 3, "each direction rests while the other moves")
}

// within waits until the client has heard that.
func (w *world) within(want string) {
	w.Helper()
	for range 100 {
		if w.ctrl.heard.Len() >= len(want) {
			break
		}
		w.Advance(100 * time.Millisecond)
	}
	w.hears(want + "\r\n")
}

// Who is throttled has his time when he is read again, and not before; a disk that has
// stopped is no throttle.
func TestThrottleStopsTheClock(t *testing.T) {
	throttle := &factory.Throttle{Read: 100, Burst: 100}
	w := newWorld(t, func(c *Config) { c.Data = throttle.Around })
	d := w.storing()
	w.on(func() { d.Write(make([]byte, 150_000)) }) // 25 minutes of it
	for range 24 {
		w.Advance(time.Minute)
		w.hears("")
	}
	w.Advance(5 * time.Minute) // of which four are his
	w.hears("")
	w.Advance(time.Minute)
	w.hears("426 Nothing moves any more\r\n")
}

// Throttled transfers are slow, and no timeout ends them: neither those of a file that
// sendfile could send, nor those to us, also where one read is worth more than that.
func TestThrottle(t *testing.T) {
	const size = 600 << 10
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), make([]byte, size), 0o600))
	throttle := &factory.Throttle{Read: 1 << 9, Write: 1 << 10, Burst: 4 << 10}
	w := newWorld(t, func(c *Config) { c.Data = throttle.Around })
	w.logsIn(Account{Files: onDisk{w.files, dir}, Allow: ReadWrite})
	for _, command := range []string{"RETR a", "STOR b"} {
		d := w.dial(clientIP, w.passive())
		began := w.Now()
		w.send(command + "\r\n")
		assert.Regexp(t, "^150 [^\n]*\n$", w.take())
		if command == "STOR b" {
			w.on(func() { d.Write(make([]byte, size)); d.CloseWrite() })
		}
		for w.ctrl.heard.Len() == 0 && w.Now().Sub(began) < time.Hour {
			w.Advance(10 * time.Second)
		}
		w.hears(complete + "\r\n")
		assert.Greater(t, w.Now().Sub(began), 6*time.Minute, command)
	}
	got, _ := w.files.get("/b")
	assert.Equal(t, size, len(got))
}
