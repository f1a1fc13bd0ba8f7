package interop

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/textproto"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	jlaffaye "github.com/jlaffaye/ftp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the server has answered with 226 is there, whole, when it has been killed in the
// midst of 1,000 uploads, and nothing half is under its name. Nor does it hinder the
// next one.
func TestFTPSurvivesKill(t *testing.T) {
	d := openDepot(t)
	safe := make(map[string]string)
	for round := range 3 {
		last := 1 + rand.IntN(900)
		d.load(round, func(name string, n int) {
			safe[name] = cargo(name)
			if n == last {
				d.kill()
			}
		}, nil)
		require.Nil(t, d.program, "%d answers", last)
		d.holds(safe)
		d.begin()
	}
}

// A restart under load breaks no upload: each is answered with 226 and is there, or has
// not begun to move. Who is told to come back later finds the new server.
func TestFTPRestart(t *testing.T) {
	d := openDepot(t)
	safe := make(map[string]string)
	turned := &turnedAway{t: t}
	d.load(0, func(name string, n int) {
		safe[name] = cargo(name)
		if n%250 == 0 && n < 1000 {
			d.end()
			d.begin()
		}
	}, turned)
	assert.Len(t, safe, 1000)
	d.holds(safe)
	assert.Positive(t, turned.told)
}

// A turnedAway sees to it that who is turned away is told why (421, or 425 if the
// client's data connection was not there yet), or finds no server at all, or one whose
// port closes before it has been accepted.
type turnedAway struct {
	t    *testing.T
	mu   sync.Mutex
	told int // to come back later
}

func (w *turnedAway) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	reply, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		none := errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET)
		assert.True(w.t, none || err.Error() == "Service is shutting down", "%v", err) // of which jlaffaye's Login leaves out the code
		return
	}
	assert.Contains(w.t, []int{jlaffaye.StatusNotAvailable, jlaffaye.StatusCanNotOpenDataConnection}, reply.Code, "%v", err)
	assert.Contains(w.t, reply.Msg, "Service is shutting down")
	w.told++
}

// A mirror of lftp's goes on over restarts and kills, and in the end all is there.
func TestLftpSurvivesKill(t *testing.T) {
	need(t, "lftp", "--version")
	d := openDepot(t)
	here, tree := t.TempDir(), make(map[string]string)
	for i := range 300 {
		name := fmt.Sprintf("%d/%d.txt", i%10, i)
		tree[name] = cargo(name)
	}
	plant(t, here, tree)
	script := fmt.Sprintf("set ftp:ssl-allow false; set net:max-retries 0; set net:reconnect-interval-base 1; set net:reconnect-interval-multiplier 1; "+
		"open -u eve,sesame ftp://localhost:%s; mirror -R --parallel=3 %s .", d.port, here)
	mirror := start(t, "lftp", "--norc", "-d", "-c", script)
	for i := range 4 {
		for range 40 {
			mirror.Expect("226 ")
		}
		if i%2 == 0 {
			d.kill()
		} else {
			d.end()
		}
		d.begin()
	}
	assert.Zero(t, mirror.Ends())
	same(t, tree, d.whole())
}

// cargo is what a file of that name holds, whose size depends on it. Few are too large
// for what is on its way at once.
func cargo(name string) string {
	size := 0
	for _, c := range name {
		size = (size*31 + int(c)) % 1009
	}
	if size%50 == 0 {
		size += 100_000
	}
	return strings.Repeat(name+"\n", size)
}

// load has 20 clients put 1,000 files, every other one over TLS, and calls safe for each
// that is answered with 226. A client that fails tells turned, and tries again; it gives
// up if that is nil.
func (d *depot) load(round int, safe func(name string, n int), turned *turnedAway) {
	d.t.Helper()
	answered := make(chan string)
	var all sync.WaitGroup
	for i := range 20 {
		o, trust := d.order(), order{Host: "localhost", CA: d.cert}.config(d.t)
		all.Go(func() {
			o.carry(trust, func(c *jlaffaye.ServerConn, id int) error {
				name := fmt.Sprintf("%d-%d.txt", round, id)
				err := c.Stor(name, strings.NewReader(cargo(name)))
				if err == nil {
					answered <- name
				}
				return err
			}, turned, i)
		})
	}
	go func() {
		all.Wait()
		close(answered)
	}()
	n := 0
	for name := range answered {
		n++
		safe(name, n)
	}
}

// carry puts every 20th file.
func (o fileOrder) carry(trust *tls.Config, put func(c *jlaffaye.ServerConn, id int) error, turned *turnedAway, first int) {
	var c *jlaffaye.ServerConn
	for id := first; id < 1000; {
		var err error
		if c == nil {
			c, err = o.carrier(trust, first%2 == 1)
		}
		if err == nil {
			err = put(c, id)
		}
		switch {
		case err == nil:
			id += 20
		case turned == nil:
			return
		default:
			turned.note(err)
			c = nil
		}
	}
	c.Quit()
}

// carrier is a client who has logged in.
func (o fileOrder) carrier(trust *tls.Config, private bool) (*jlaffaye.ServerConn, error) {
	options := []jlaffaye.DialOption{jlaffaye.DialWithTimeout(20 * time.Second),
		jlaffaye.DialWithDisabledEPSV(true)} // after which it tries PASV, whatever it was told
	if private {
		options = append(options, jlaffaye.DialWithExplicitTLS(trust))
	}
	c, err := jlaffaye.Dial(net.JoinHostPort("127.0.0.1", o.Port), options...)
	if err == nil {
		err = c.Login(o.User, o.Password)
	}
	return c, err
}

// holds checks that these files are there, and that others, of which nobody was told,
// are whole.
func (d *depot) holds(safe map[string]string) {
	d.t.Helper()
	tree := d.whole()
	want := maps.Clone(safe)
	for name := range tree {
		want[name] = cargo(name)
	}
	same(d.t, want, tree)
}

// whole is all that has a name of its own, and not one of an upload that a killed
// program has left.
func (d *depot) whole() map[string]string {
	d.t.Helper()
	tree := harvest(d.t, d.dir)
	maps.DeleteFunc(tree, func(name, _ string) bool { return strings.HasPrefix(filepath.Base(name), ".torsion-") })
	return tree
}
