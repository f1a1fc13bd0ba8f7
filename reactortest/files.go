package reactortest

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocol"
)

var files = []law{
	{"FilesKeepTheirPlaceAmongWrites", filesKeepOrder},
	{"PartsOfAFileAreSent", fileParts},
	{"LoseConnectionDeliversFiles", loseDeliversFiles},
	{"CloseWriteWaitsForFiles", closeWriteWaitsForFiles},
	{"DoneAndDrainedKeepOrder", doneAndDrained},
	{"DoneIsToldEveryEndOnce", doneOnce},
	{"FileOnAClosedConnectionIsRefused", filesRefused},
	{"FileThatIsTooShortEndsTheConnection", shortFile},
	{"FileThatCannotBeReadEndsTheConnection", unreadableFile},
	{"PanicInDoneEndsTheConnection", panicInDone},
	{"FileTakesNoMemoryAndPausesNobody", filesAreNoMemory},
	{"ManySmallFilesPauseReading", manyFilesPause},
	{"MoreFilesThanWorkersArrive", manyFilesAtOnce},
	{"FileToASlowPeerIsTimedOut", slowPeerOfAFile},
	{"StopDeliversFiles", stopDeliversFiles},
	{"SecondStopEndsFiles", secondStopEndsFiles},
	{"EndsAmidFilesHurtNobody", endsAmidFiles},
}

// noise is content in which nothing stands twice.
func noise(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(p) // never fails
	return p
}

// file returns an open file with that content.
func (w *world) file(content []byte) *os.File {
	w.Helper()
	name := filepath.Join(w.TempDir(), "file")
	require.NoError(w, os.WriteFile(name, content, 0o600))
	return w.open(name)
}

func (w *world) open(name string) *os.File {
	w.Helper()
	f, err := os.Open(name)
	require.NoError(w, err)
	w.Cleanup(func() { f.Close() })
	return f
}

// A fate is what became of a file.
type fate struct {
	sent int64
	err  error
}

// ship sends n bytes of f from off on. It is told once what came of it, as an
// event of p's before the last, or later that p takes no more.
func (p *probe) ship(f *os.File, off, n int64) <-chan fate {
	s, ok := protocol.As[protocol.FileSender](p.Transport)
	require.True(p.w, ok)
	told, inside := make(chan fate, 1), true
	s.SendFile(f, off, n, func(sent int64, err error) {
		if inside || len(told) > 0 {
			p.w.Error("done was called inside SendFile, or twice")
		}
		if err != net.ErrClosed {
			p.event("done", func() {})
		}
		told <- fate{sent, err}
	})
	inside = false
	return told
}

// Files, and writes of all kinds, leave in the order in which they were made.
func filesKeepOrder(w *world) {
	w.start()
	content := noise(300_000)
	f := w.file(content)
	var want []byte
	var fates []<-chan fate
	p := w.greeter(func(p *probe) {
		s, _ := protocol.As[protocol.SharedWriter](p.Transport)
		for i := range 60 {
			text := content[i*1000 : i*1000+1+i*i*i]
			switch i % 6 {
			case 0:
				p.Write(text)
			case 1, 2, 4:
				fates = append(fates, p.ship(f, int64(i*1000), int64(len(text))))
			case 3:
				s.WriteShared(text)
			case 5:
				text = text[:1]
				p.Write(text)
			}
			want = append(want, text...)
		}
		p.LoseConnection()
	})
	peer := w.probe()
	w.pair(p, peer)
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	peer.end()
	assert.True(w, bytes.Equal(want, peer.input))
	for _, told := range fates {
		assert.NoError(w, wait(w, told).err)
	}
}

// An offset and a length say which part it is; a negative length means up to the
// end. The file's own offset stays where it is, and the file open.
func fileParts(w *world) {
	w.start()
	f, empty := w.file([]byte("0123456789")), w.file(nil)
	p, peer := w.probe(), w.probe()
	w.pair(p, peer)
	for _, part := range []struct {
		f      *os.File
		off, n int64
		want   string
	}{
		{f, 0, -1, "0123456789"}, {f, 0, 10, "0123456789"}, {f, 3, 4, "3456"}, {f, 7, -1, "789"},
		{f, 0, 0, ""}, {f, 10, -1, ""}, {f, 11, -1, ""}, {f, 11, 0, ""}, {empty, 0, -1, ""}, {empty, 0, 0, ""},
	} {
		var told <-chan fate
		w.on(func() { peer.input = nil; told = p.ship(part.f, part.off, part.n); p.Write([]byte(".")) })
		assert.Equal(w, fate{sent: int64(len(part.want))}, wait(w, told))
		assert.Equal(w, part.want+".", peer.has(len(part.want)+1))
	}
	all, err := io.ReadAll(f)
	assert.NoError(w, err)
	assert.Equal(w, "0123456789", string(all))
}

// What is promised before LoseConnection arrives whole, and the end is clean.
func loseDeliversFiles(w *world) {
	w.start()
	content := noise(w.size())
	f := w.file(content)
	var told <-chan fate
	p := w.greeter(func(p *probe) { told = p.ship(f, 0, -1); p.LoseConnection() })
	peer := w.probe()
	w.pair(p, peer)
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	assert.Equal(w, protocol.ErrConnectionDone, peer.end())
	assert.True(w, bytes.Equal(content, peer.input))
	assert.Equal(w, fate{sent: int64(len(content))}, wait(w, told))
}

// The end of the stream comes behind the file, and input goes on coming.
func closeWriteWaitsForFiles(w *world) {
	w.start()
	content := noise(1 << 20)
	f := w.file(content)
	p, peer := w.probe(), w.halfOpen()
	p.onMade = func() { p.ship(f, 0, -1); p.CloseWrite() }
	peer.onEOF = func() bool {
		assert.True(w, bytes.Equal(content, peer.input))
		peer.Write([]byte("thanks"))
		return false
	}
	w.pair(p, peer)
	assert.Equal(w, protocol.ErrConnectionDone, p.end())
	assert.Equal(w, "thanks", string(p.input))
	peer.end()
}

// A Drained behind a file is told after its done, one before it before.
func doneAndDrained(w *world) {
	w.start()
	f := w.file(noise(100_000))
	var d diary
	p := w.greeter(func(p *probe) {
		n, _ := protocol.As[protocol.Notifier](p.Transport)
		s, _ := protocol.As[protocol.FileSender](p.Transport)
		drained := func(name string) { n.Drained(func(err error) { assert.NoError(w, err); d.note(name) }) }
		done := func(name string) func(int64, error) {
			return func(_ int64, err error) { assert.NoError(w, err); d.note(name) }
		}
		drained("first")
		p.Write(noise(100_000))
		drained("text")
		s.SendFile(f, 0, -1, done("file"))
		drained("behind it")
		s.SendFile(f, 0, 0, done("nothing"))
		s.SendFile(f, 0, 10, done("part"))
		p.Write([]byte("."))
		drained("last")
		p.LoseConnection()
	})
	w.pair(p, w.probe())
	p.end()
	assert.Equal(w, "first, text, file, behind it, nothing, part, last", strings.Join(d.read(), ", "))
}

// While a long file waits for a slow peer it takes no memory, whoever paces himself
// is not told to pause, and input comes as always.
func filesAreNoMemory(w *world) {
	w.start()
	const n = 32 << 20
	content := noise(n)
	f := w.file(content)
	p, peer := w.paced(), w.greeter(func(p *probe) { p.PauseReading() })
	w.pair(p, peer)
	before := hosttest.Heap()
	var told <-chan fate
	w.on(func() { told = p.ship(f, 0, -1) })
	w.on(func() { peer.Write([]byte("meanwhile")) })
	assert.Equal(w, "meanwhile", p.has(9))
	w.on(func() {
		assert.True(w, p.Reading())
		if w.Wrap == nil {
			assert.Equal(w, protocol.FileWeight, p.Buffered())
		}
		assert.Less(w, p.Buffered(), 256<<10)
		assert.Empty(w, told)
	})
	assert.Less(w, hosttest.Heap()-before, 1<<20)
	got := 0
	w.on(func() {
		peer.onData = func(data []byte) {
			assert.True(w, bytes.Equal(content[got:got+len(data)], data))
			got += len(data)
			peer.input = nil
		}
		peer.ResumeReading()
	})
	assert.Equal(w, fate{sent: int64(n)}, wait(w, told))
	w.until(func() bool { return got == n })
	assert.Less(w, hosttest.Heap()-before, 1<<20)
	w.on(func() { assert.Zero(w, p.Buffered()); assert.Empty(w, p.heard) })
}

// A server that asks Reading before it opens a file for each request of a chunk
// opens no more than a few, and all of them in the end.
func manyFilesPause(w *world) {
	w.start()
	const requests = 500
	name := w.file([]byte("a")).Name()
	s := &resumed{probe: w.probe()}
	waiting, open, most := 0, 0, 0
	serve := func() {
		for ; waiting > 0 && s.Reading(); waiting-- {
			f, err := os.Open(name)
			if !assert.NoError(w, err) {
				return
			}
			open++
			most = max(most, open)
			sender, _ := protocol.As[protocol.FileSender](s.Transport)
			sender.SendFile(f, 0, -1, func(_ int64, err error) {
				assert.NoError(w, err)
				open--
				f.Close()
			})
		}
	}
	s.onData = func(data []byte) { waiting += len(data); serve() }
	s.onResumed = serve
	peer := w.greeter(func(p *probe) { p.Write(make([]byte, requests)) })
	w.pair(s, peer)
	assert.Equal(w, strings.Repeat("a", requests), peer.has(requests))
	w.until(func() bool { return open == 0 })
	w.on(func() { assert.LessOrEqual(w, most, 20) })
}

// More files than there are workers, to as many peers, all arrive.
func manyFilesAtOnce(w *world) {
	w.start(Config{Workers: 2})
	content := noise(w.size() / 32)
	f := w.file(content)
	port := w.serve(factory.Each(func() protocol.Protocol {
		return w.greeter(func(p *probe) { p.ship(f, 0, -1); p.ship(f, 1, -1); p.LoseConnection() })
	}))
	var peers []*probe
	for range 20 {
		p := w.probe()
		peers = append(peers, p)
		w.join(port, p)
	}
	for _, p := range peers {
		assert.Equal(w, protocol.ErrConnectionDone, p.end())
		assert.True(w, bytes.Equal(append(content[:len(content):len(content)], content[1:]...), p.input))
	}
}
