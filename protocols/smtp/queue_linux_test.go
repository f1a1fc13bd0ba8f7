package smtp_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocols/smtp"
	"github.com/torsion-go/torsion/reactor"
)

// running is a reactor that runs until the test ends.
func running(t *testing.T) *reactor.Reactor {
	t.Helper()
	r, err := reactor.New(reactor.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- r.Run(context.Background()) }()
	t.Cleanup(func() {
		r.Stop()
		assert.NoError(t, <-done)
	})
	return r
}

// hub is a Queue for the smarthost at addr.
func hub(dir, addr string) *smtp.Queue {
	return &smtp.Queue{
		Dir: dir, Domain: "us.test", Smarthost: smtp.ClientConfig{Addr: addr, Security: smtp.TLSNever},
		Logger: slog.New(slog.DiscardHandler), PerDestination: 4,
		Backoff: func(int) time.Duration { return time.Millisecond },
	}
}

// requireSent waits until the Queue is empty.
func requireSent(t *testing.T, q *smtp.Queue) {
	t.Helper()
	require.Eventually(t, func() bool { return q.Stats().Messages == 0 }, time.Minute, time.Millisecond)
}

const (
	children = 4
	eachKid  = 250
)

// sendAll is a child: it says which messages are safe, until it is killed, or is told that
// all have come.
func sendAll(t *testing.T, told string) {
	var n int
	var dir, addr string
	_, err := fmt.Sscan(told, &n, &addr, &dir)
	require.NoError(t, err)
	q := hub(dir, addr)
	require.NoError(t, q.Start(running(t)))
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for id := n*eachKid + g; id < (n+1)*eachKid; id += 4 {
				e := &smtp.Envelope{From: "ann@a.test", To: []smtp.Recipient{{Address: "bob@b.test"}}}
				if assert.NoError(t, q.Deliver(e, strings.NewReader(checked(id)))) {
					hosttest.Safe(id)
				}
			}
		})
	}
	all.Wait()
	_, _ = io.Copy(io.Discard, os.Stdin)
	requireSent(t, q)
	require.NoError(t, q.Close())
}

// What a Queue has taken arrives, though its process is killed again and again, whole, and
// at most those messages twice that were under way then.
func TestQueueSurvivesKill(t *testing.T) {
	if told := hosttest.Told(); told != "" {
		sendAll(t, told)
		return
	}
	var mu sync.Mutex
	arrived := make(map[int]int)
	came := make(chan struct{}, 1)
	server := smtp.Config{Domain: "hub.test"}.New(&smtp.Local{Delivery: smtp.Func(func(_ *smtp.Envelope, message io.ReadSeeker) error {
		text, err := io.ReadAll(message)
		if !assert.NoError(t, err) {
			return err
		}
		var id int
		_, err = fmt.Sscanf(string(text), "Id: %d", &id)
		if assert.NoError(t, err) {
			assert.True(t, string(text) == checked(id), "message %d is not whole", id)
		}
		mu.Lock()
		defer mu.Unlock()
		arrived[id]++
		select {
		case came <- struct{}{}:
		default:
		}
		return nil
	})})
	port, err := running(t).Listen("tcp", "127.0.0.1:0", server)
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "queue")
	safe := make(map[int]bool)
	missing := func() (n int) {
		mu.Lock()
		defer mu.Unlock()
		for id := range safe {
			if arrived[id] == 0 {
				n++
			}
		}
		return n
	}
	tell := func(n int) (*exec.Cmd, io.Closer) {
		cmd := hosttest.Child(t, fmt.Sprint(n, " ", port.Addr(), " ", dir))
		in, err := cmd.StdinPipe()
		require.NoError(t, err)
		return cmd, in
	}
	for n := range children - 1 {
		cmd, _ := tell(n) // it never hears that all have come
		maps.Copy(safe, hosttest.UntilKilled(t, cmd, eachKid-1))
	}
	cmd, in := tell(children - 1)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	mine := 0
	for id := range hosttest.SafeIn(out) {
		safe[id] = true
		if mine++; mine == eachKid {
			break
		}
	}
	require.Equal(t, eachKid, mine)
	for patience := time.After(time.Minute); missing() > 0; {
		select {
		case <-came:
		case <-patience:
			require.Zero(t, missing(), "of %d", len(safe))
		}
	}
	require.NoError(t, in.Close())
	_, _ = io.Copy(io.Discard, out)
	require.NoError(t, cmd.Wait())
	twice := 0
	for _, n := range arrived {
		twice += n - 1
	}
	assert.LessOrEqual(t, twice, 4*(children-1))
	for _, folder := range []string{"mail", "tmp", "bad"} {
		assert.Empty(t, files(t, dir, folder))
	}
}

// A full disk takes no more, and loses nothing: out of bytes, and out of files. What can
// be sent makes room again.
func TestQueueFullDisk(t *testing.T) {
	for options, size := range map[string]int{"size=1m": 50_000, "size=4m,nr_inodes=20": 10} {
		r := running(t)
		var mu sync.Mutex
		var err error = later
		var inbox smtp.Inbox
		say := func(e error) { mu.Lock(); defer mu.Unlock(); err = e }
		server := smtp.Config{Domain: "hub.test"}.New(&smtp.Local{Delivery: smtp.Func(func(e *smtp.Envelope, m io.ReadSeeker) error {
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				return err
			}
			return inbox.Deliver(e, m)
		})})
		port, e := r.Listen("tcp", "127.0.0.1:0", server)
		require.NoError(t, e)
		q := hub(filepath.Join(hosttest.SmallDisk(t, options), "queue"), port.Addr().String())
		require.NoError(t, q.Start(r))
		defer q.Close()
		taken, text := 0, strings.Repeat("x", size)
		one := func() error {
			return q.Deliver(&smtp.Envelope{From: "ann@a.test", To: []smtp.Recipient{{Address: "bob@b.test"}}}, strings.NewReader(text))
		}
		full := one()
		for ; full == nil; full = one() {
			taken++
		}
		assert.ErrorIs(t, full, syscall.ENOSPC)
		assert.Greater(t, taken, 5)
		for last := "250"; strings.HasPrefix(last, "250"); { // what is noted of attempts comes and goes
			_, last = talk(smtp.Config{}, &smtp.Local{Delivery: q}, "EHLO me\nMAIL FROM:<>\nRCPT TO:<b@our.test>\nDATA\n"+text+"\n.\n")
			if strings.HasPrefix(last, "250") {
				taken++
			} else {
				assert.Equal(t, "452 4.3.1 Insufficient system storage", last)
			}
		}
		say(nil)
		q.Flush()
		for range taken {
			m, err := inbox.Next(t.Context())
			require.NoError(t, err)
			assert.True(t, strings.HasSuffix(string(m.Text), text+"\r\n"))
		}
		requireSent(t, q)
		require.NoError(t, q.Close())
		assert.Empty(t, files(t, q.Dir, "mail"))
		assert.Empty(t, files(t, q.Dir, "tmp"))
	}
}

// What cannot be written down for want of room is not forgotten, and is when there is room
// again.
func TestQueueFullDiskForgetsNothing(t *testing.T) {
	disk := hosttest.SmallDisk(t, "size=1m")
	inPost(t, func(p *post) { p.queue.Dir = filepath.Join(disk, "queue") }, func(t *testing.T, p *post) {
		p.listen("b.test", "192.0.2.1", scripted("421 later\r\n"))
		p.send("ann@a.test", "bob@b.test", "eve@b.test")
		p.settle()
		p.listen("b.test", "192.0.2.1", scripted("220 hi\r\n", "250 hi\r\n", "250 ok\r\n", "250 ok\r\n", "451 later\r\n",
			"354 go\r\n", "250 ok\r\n", "221 bye\r\n"))
		err := os.WriteFile(filepath.Join(disk, "large"), make([]byte, 1<<20), 0o600)
		require.ErrorIs(t, err, syscall.ENOSPC)
		p.queue.Flush()
		p.settle()
		assert.Contains(t, p.log.String(), "cannot write down")
		list := p.queue.List()
		require.Len(t, list, 1)
		require.Len(t, list[0].To, 1)
		assert.Equal(t, "eve@b.test", list[0].To[0].Address)
		require.NoError(t, os.Remove(filepath.Join(disk, "large")))
		p.after(time.Minute)
		assert.NotContains(t, strings.Join(files(t, p.queue.Dir, "mail"), ""), "bob@b.test", "it was tried again")
		p.restart()
		assert.Equal(t, list, p.queue.List())
		p.listen("b.test", "192.0.2.1", scripted(whole...))
		p.queue.Flush()
		p.settle()
		p.requireEmpty()
	})
}

// Close says that it could not write down what has happened.
func TestQueueCloseSaysWhatIsNotWritten(t *testing.T) {
	disk := hosttest.SmallDisk(t, "size=1m")
	inPost(t, func(p *post) { p.queue.Dir = filepath.Join(disk, "queue") }, func(t *testing.T, p *post) {
		p.host("b.test", "192.0.2.9")
		p.send("ann@a.test", "bob@b.test")
		p.settle()
		require.ErrorIs(t, os.WriteFile(filepath.Join(disk, "large"), make([]byte, 1<<20), 0o600), syscall.ENOSPC)
		p.queue.Flush()
		p.settle()
		assert.ErrorContains(t, p.queue.Close(), "1 messages could not be written down")
	})
}

// A Queue leaves nothing: no descriptor, no goroutine.
func TestQueueLeavesNothing(t *testing.T) {
	r := running(t)
	var inbox smtp.Inbox
	port, err := r.Listen("tcp", "127.0.0.1:0", smtp.Config{Domain: "hub.test"}.New(&smtp.Local{Delivery: &inbox, Mailboxes: []string{"bob"}}))
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "queue")
	round := func() {
		q := hub(dir, port.Addr().String())
		require.NoError(t, q.Start(r))
		for _, to := range []string{"bob@b.test", "nobody@b.test", "bob@b.test"} {
			assert.NoError(t, q.Deliver(&smtp.Envelope{To: []smtp.Recipient{{Address: to}}}, strings.NewReader("text")))
		}
		assert.Error(t, q.Deliver(&smtp.Envelope{To: []smtp.Recipient{{Address: "bob@b.test"}}}, failing{strings.NewReader("")}))
		for range 2 {
			_, err := inbox.Next(t.Context())
			require.NoError(t, err)
		}
		assert.Error(t, hub(dir, "x").Start(r))
		requireSent(t, q)
		require.NoError(t, q.Close())
	}
	hosttest.LeavesNothing(t, 5, 20, round)
}

// A FIFO is no reason to wait.
func TestQueueStartsAmongFIFOs(t *testing.T) {
	inPost(t, nil, func(t *testing.T, p *post) {
		require.NoError(t, p.queue.Close())
		for _, name := range []string{"mail/A.env", "mail/B.eml", "tmp/c"} {
			require.NoError(t, syscall.Mkfifo(filepath.Join(p.queue.Dir, name), 0o600))
		}
		p.queue = p.another(p.queue.Dir)
		require.NoError(t, p.queue.Start(p.network))
		assert.Contains(t, p.log.String(), "cannot be read")
	})
}
