//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package chat_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocols/chat"
	"github.com/torsion-go/torsion/reactor"
)

const deadline = 60 * time.Second // for anything: a busy machine is slow

// open runs reactors with one room, and returns how to reach and to stop each.
func open(t *testing.T, room *chat.Room, n int) (addrs []string, stops []func()) {
	t.Helper()
	for range n {
		r, err := reactor.New(reactor.Config{Socket: factory.Socket{LingerTimeout: -1}}) // peers stay until the end
		require.NoError(t, err)
		port, err := r.Listen("tcp", "127.0.0.1:0", room.On(r))
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() { ended <- r.Run(context.Background()) }()
		stop := sync.OnceFunc(func() {
			r.Stop()
			assert.NoError(t, <-ended)
		})
		t.Cleanup(stop)
		addrs, stops = append(addrs, port.Addr().String()), append(stops, stop)
	}
	return addrs, stops
}

// A talker is somebody with a socket. It belongs to one goroutine.
type talker struct {
	net.Conn
	in   *bufio.Reader
	seen []string // lines that everyone was to see
}

func dial(addr string) (*talker, error) {
	c, err := net.DialTimeout("tcp", addr, deadline)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(deadline))
	k := &talker{Conn: c, in: bufio.NewReader(c)}
	for range strings.Count(greeting, "\r\n") {
		if _, err = k.in.ReadString('\n'); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// until reads up to a line that is wanted.
func (k *talker) until(wanted func(line string) bool) error {
	for {
		line, err := k.in.ReadString('\n')
		if err != nil {
			return err
		}
		line = strings.TrimSuffix(line, "\r\n")
		if isPublic(line) {
			k.seen = append(k.seen, line)
		}
		if wanted(line) {
			return nil
		}
	}
}

func ends(with string) func(string) bool {
	return func(line string) bool { return strings.HasSuffix(line, with) }
}

// isPublic reports whether all read the line.
func isPublic(line string) bool {
	for _, part := range []string{" has joined the party.", " changed name to ", " says ", "* ", " has disconnected.", "Attention: "} {
		if strings.Contains(line, part) && !strings.Contains(line, "MSG") {
			return true
		}
	}
	return false
}

// visit comes, does this and that, and goes, a few times; what it has seen each
// time is kept.
func visit(addr string, r *rand.Rand, id string, keep func([]string)) error {
	for stay := range 4 {
		k, err := dial(addr)
		if err != nil {
			return err
		}
		for n := range 12 {
			said := fmt.Sprintf("%s-%d-%d", id, stay, n)
			line := said
			switch r.IntN(8) {
			case 0, 1:
				line = fmt.Sprintf("/NAME n%d\n%s", r.IntN(6), said)
			case 2:
				line = "/ME does " + said
			case 3:
				line = fmt.Sprintf("/MSG n%d MSG\n%s", r.IntN(6), said)
			case 4:
				line = "/WHO\n" + said
			}
			if _, err = io.WriteString(k, line+"\n"); err != nil {
				return err
			}
			if err = k.until(ends(" " + said)); err != nil {
				return fmt.Errorf("waiting for %s: %w", said, err)
			}
		}
		if r.IntN(2) == 0 {
			io.WriteString(k, "/EXIT\n")
			io.Copy(io.Discard, k.in)
		}
		k.Close()
		keep(k.seen)
	}
	return nil
}

// People on three loops come, talk, change names and go, all at once. What each
// reads is a piece of what those read who are there all the time, and in it each
// name is one person's at a time.
func TestOneStoryOnAllLoops(t *testing.T) {
	const loops, visitors = 3, 4
	room := chat.Room{Interval: -1}
	addrs, _ := open(t, &room, loops)
	var watchers []*talker
	for _, addr := range addrs {
		k, err := dial(addr)
		require.NoError(t, err)
		defer k.Close()
		watchers = append(watchers, k)
	}
	io.WriteString(watchers[loops-1], "begin\n")
	for _, w := range watchers {
		require.NoError(t, w.until(ends(" says begin")))
		w.seen = nil
	}

	var all, watching sync.WaitGroup
	var mu sync.Mutex
	var pieces [][]string
	for i := range loops * visitors {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 7))
			assert.NoError(t, visit(addrs[i%loops], r, fmt.Sprint(i), func(seen []string) {
				mu.Lock()
				defer mu.Unlock()
				pieces = append(pieces, seen)
			}))
		})
	}
	all.Go(func() {
		for n := range 50 {
			room.Announce(fmt.Sprint("Attention: ", n))
			assert.GreaterOrEqual(t, len(room.Names())+room.Len(), loops, "legal from here, too")
			runtime.Gosched()
		}
	})
	for _, w := range watchers {
		watching.Go(func() { assert.NoError(t, w.until(ends(" says end"))) })
	}
	all.Wait()
	for end := time.Now().Add(deadline); room.Len() > loops; runtime.Gosched() {
		require.True(t, time.Now().Before(end), "%d are still there", room.Len())
	}
	io.WriteString(watchers[0], "end\n")
	watching.Wait()
	judgeStory(t, watchers, pieces)
}

func judgeStory(t *testing.T, watchers []*talker, pieces [][]string) {
	t.Helper()
	story := watchers[0].seen
	for _, w := range watchers[1:] {
		require.Equal(t, story, w.seen)
	}
	whole := strings.Join(story, "\n") + "\n"
	for _, piece := range pieces {
		require.Contains(t, whole, strings.Join(piece, "\n")+"\n")
	}
	here := map[string]bool{}
	for i := range watchers {
		here["127.0.0.1"+[]string{"", "#2", "#3"}[i]] = true
	}
	for i, line := range story {
		who, rest, _ := strings.Cut(strings.TrimPrefix(line, "* "), " ")
		switch to, renames := strings.CutPrefix(rest, "changed name to "); {
		case who == "Attention:":
		case rest == "has joined the party.":
			require.False(t, here[who], "line %d: %s", i, line)
			here[who] = true
		case renames:
			require.True(t, here[who] && !here[to], "line %d: %s", i, line)
			delete(here, who)
			here[to] = true
		default:
			require.True(t, here[who], "line %d: %s", i, line)
			if rest == "has disconnected." {
				delete(here, who)
			}
		}
	}
	assert.Len(t, here, len(watchers))
}

// A server that goes down says so on each loop, and nobody reads that others go.
func TestAllLoopsSayGoodbye(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	var room chat.Room
	addrs, stops := open(t, &room, 3)
	var there []*talker
	for _, addr := range addrs {
		k, err := dial(addr)
		require.NoError(t, err)
		defer k.Close()
		there = append(there, k)
	}
	io.WriteString(there[2], "all here\n")
	for _, k := range there {
		require.NoError(t, k.until(ends(" says all here")))
	}
	stops[1]()
	assert.Equal(t, "Server is going down.\r\n", rest(there[1]))
	io.WriteString(there[0], "and on\n")
	require.NoError(t, there[2].until(ends(" says and on")))
	stops[0]()
	stops[2]()
	assert.Equal(t, "127.0.0.1 says and on\r\nServer is going down.\r\n", rest(there[0]))
	assert.Equal(t, "Server is going down.\r\n", rest(there[2]))
	assert.Zero(t, room.Len())
	for end := time.Now().Add(deadline); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
		require.True(t, time.Now().Before(end), "goroutines are left")
	}
}

func rest(k *talker) string {
	all, _ := io.ReadAll(k.in)
	return string(all)
}
