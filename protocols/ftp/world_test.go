package ftp

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/reactortest"
)

const (
	serverAddr = "192.0.2.1:21"
	clientIP   = "192.0.2.9"
	strangerIP = "192.0.2.66"
)

// A world is a server, a client and a stranger in memory.
type world struct {
	*testing.T
	*reactortest.Memory
	files  *fakeFiles
	config Config
	port   factory.Port
	ctrl   *end

	logs    strings.Builder
	session protocol.Protocol // at the other side of ctrl
	account *Account
	login   func() (*Account, error) // instead of account, if not nil
	channel *channel                 // the session's, after its first PASV
}

// An end is a client's side of a connection.
type end struct {
	protocol.Base
	heard  strings.Builder
	eof    bool
	reason error
	made   bool
}

func (e *end) ConnectionMade(protocol.Transport) { e.made = true }
func (e *end) DataReceived(p []byte)             { e.heard.Write(p) }
func (e *end) EOFReceived() bool                 { e.eof = true; return true }
func (e *end) ConnectionLost(reason error)       { e.reason = reason }

// newWorld has somebody logged in.
func newWorld(t *testing.T, tune ...func(*Config)) *world {
	w := &world{T: t, files: &fakeFiles{m: map[string]string{}}}
	log := slog.New(slog.NewTextHandler(&w.logs, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: timeless}))
	w.Memory = reactortest.NewMemory(reactortest.Config{Workers: -1, Logger: log})
	w.config = Config{Network: w.Memory, Data: func(f factory.Factory) factory.Factory {
		w.channel = f.(door).c
		return f
	}}
	w.account = &Account{Files: w.files, Allow: ReadWrite}
	for _, f := range tune {
		f(&w.config)
	}
	var err error
	f := w.config.New(BackendFunc(func(p *Peer, user, password string) (*Account, error) {
		if user != "eve" || password != "sesame" {
			return nil, errors.New("nobody is to read this")
		}
		if w.login != nil {
			return w.login()
		}
		a := *w.account
		return &a, nil
	}))
	w.port, err = w.Listen("tcp", serverAddr, factory.Func(func(peer net.Addr) protocol.Protocol {
		w.session = f.BuildProtocol(peer)
		return w.session
	}))
	require.NoError(t, err)
	w.ctrl = w.dial(clientIP, serverAddr)
	w.hears("220 Torsion FTP\r\n")
	w.says("USER eve", "331 Password required")
	w.says("PASS sesame", "230 Logged in")
	w.says("TYPE I", "200 Ok")
	return w
}

// timeless logs have no time.
func timeless(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// dial connects from an address. The client has patience.
func (w *world) dial(from, to string) *end {
	e := &end{}
	local := netip.AddrPortFrom(netip.MustParseAddr(from), 0)
	w.Tuned(factory.Socket{LocalAddr: local, SlowPeerTimeout: -1, CloseTimeout: -1}).Connect("tcp", to, factory.Each(func() protocol.Protocol { return e }))
	w.Settle()
	return e
}

// send has the client send s over its control connection.
func (w *world) send(s string) {
	w.on(func() { w.ctrl.Write([]byte(s)) })
}

func (w *world) on(f func()) {
	w.Call(f)
	w.Settle()
}

// goesDown tells the session that its server is about to.
func (w *world) goesDown() { w.on(w.shutdown) }

func (w *world) shutdown() {
	s, ok := protocol.As[protocol.Shutdowner](w.session)
	assert.True(w, ok)
	s.Shutdown()
}

// shutsDownAtOpen has the server go down while a worker opens a file.
func (w *world) shutsDownAtOpen() {
	s, ok := protocol.As[protocol.Shutdowner](w.session)
	require.True(w, ok)
	w.files.hook = map[string]func(){"open": func() { w.Call(s.Shutdown) }}
}

// take returns what the client has heard since the last time.
func (w *world) take() string {
	s := w.ctrl.heard.String()
	w.ctrl.heard.Reset()
	return s
}

func (w *world) hears(want string) {
	w.Helper()
	assert.Equal(w, want, w.take())
}

// says has the client send a line, and compares what is answered, a line each.
func (w *world) says(line string, replies ...string) {
	w.Helper()
	w.send(line + "\r\n")
	want := ""
	for _, r := range replies {
		want += r + "\r\n"
	}
	w.hears(want)
}

var passivePort = regexp.MustCompile(`^229 Entering Extended Passive Mode \(\|\|\|(\d+)\|\)\r\n$`)

// passive asks for a port and returns its address.
func (w *world) passive() string {
	w.Helper()
	w.send("EPSV\r\n")
	m := passivePort.FindStringSubmatch(w.take())
	require.NotNil(w, m)
	return net.JoinHostPort("192.0.2.1", m[1])
}

// refused reports whether the server has hung up at once.
func (e *end) refused() bool { return e.made && (e.eof || e.reason != nil) }

// listens reports whether somebody listens there.
func (w *world) listens(addr string) bool {
	e := w.dial(strangerIP, addr)
	return e.made
}

// fakeFiles are a map, whose operations can be made to fail.
type fakeFiles struct {
	Files
	mu    sync.Mutex
	m     map[string]string
	err   map[string]error // by operation
	notes []string
	hook  map[string]func()

	readErr error
}

func (f *fakeFiles) do(op string) error {
	f.mu.Lock()
	f.notes = append(f.notes, op)
	h, err := f.hook[op], f.err[op]
	f.mu.Unlock()
	if h != nil {
		h()
	}
	return err
}

// fails has what begins from now on fail.
func (f *fakeFiles) fails(op string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = map[string]error{op: err}
}

func (f *fakeFiles) put(name, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.m[name] = text
}

func (f *fakeFiles) get(name string) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.m[name]
	return s, ok
}

func (f *fakeFiles) noted() string {
	s := strings.Join(f.notes, " ")
	f.notes = nil
	return s
}

type fakeFile struct {
	*strings.Reader
	f *fakeFiles
}

func (f *fakeFile) ReadAt(p []byte, off int64) (int, error) {
	if f.f.readErr != nil {
		return 0, f.f.readErr
	}
	return f.Reader.ReadAt(p, off)
}

func (f *fakeFile) Close() error { return f.f.do("close") }

func (f *fakeFile) Stat() (fs.FileInfo, error) { return fakeInfo{f.Size()}, nil }

type fakeInfo struct{ n int64 }

func (i fakeInfo) Name() string       { return "x" }
func (i fakeInfo) Size() int64        { return i.n }
func (i fakeInfo) Mode() fs.FileMode  { return 0o644 }
func (i fakeInfo) ModTime() time.Time { return time.Time{} }
func (i fakeInfo) IsDir() bool        { return false }
func (i fakeInfo) Sys() any           { return nil }

// Stat knows the folder only.
func (f *fakeFiles) Stat(name string) (fs.FileInfo, error) {
	if name != "/" {
		return nil, fs.ErrNotExist
	}
	return fakeFolder{}, nil
}

type fakeFolder struct{ fakeInfo }

func (fakeFolder) IsDir() bool { return true }

func (f *fakeFiles) Open(name string) (File, error) {
	if err := f.do("open"); err != nil {
		return nil, err
	}
	s, ok := f.get(name)
	if !ok {
		return nil, fs.ErrNotExist
	}
	return &fakeFile{strings.NewReader(s), f}, nil
}

func (f *fakeFiles) Create(name string, unique bool) (Upload, error) {
	if err := f.do("create"); err != nil {
		return nil, err
	}
	return &fakeUpload{f: f, name: name}, nil
}

func (f *fakeFiles) Append(name string, off int64) (Upload, error) {
	if err := f.do(fmt.Sprint("append ", off)); err != nil {
		return nil, err
	}
	old, _ := f.get(name)
	if off >= 0 {
		old = old[:min(off, int64(len(old)))]
	}
	return &fakeUpload{f: f, name: name, text: old}, nil
}

type fakeUpload struct {
	f          *fakeFiles
	name, text string
}

func (u *fakeUpload) Write(p []byte) (int, error) {
	err := u.f.do("write")
	if err == nil {
		u.text += string(p)
	}
	return len(p), err
}

func (u *fakeUpload) Commit() error {
	err := u.f.do("commit")
	if err == nil {
		u.f.put(u.name, u.text)
	}
	return err
}

func (u *fakeUpload) Close() error { return u.f.do("close") }

// logsIn has the client be somebody else.
func (w *world) logsIn(a Account) {
	w.Helper()
	w.account = &a
	w.says("USER eve", "331 Password required")
	w.says("PASS sesame", "230 Logged in")
	w.says("TYPE I", "200 Ok")
}

// inWorlds has each happen in a world of its own.
func inWorlds(t *testing.T, all map[string]func(w *world)) {
	for name, f := range all {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.files.m["/a"] = "hello"
			f(w)
			w.on(w.ctrl.Abort)
			w.on(func() { w.port.Close() })
			w.Stop()
			w.Settle()
		})
	}
}

// storing is an upload of which some has come.
func (w *world) storing() *end {
	w.Helper()
	d := w.dial(clientIP, w.passive())
	w.says("STOR b", "150 Send it")
	w.on(func() { d.Write([]byte("begin")) })
	return d
}

// accepts listens as the client, for one.
func (w *world) accepts(addr string) *end {
	w.Helper()
	e := &end{}
	_, err := w.Listen("tcp", addr, factory.Each(func() protocol.Protocol { return e }))
	require.NoError(w, err)
	return e
}
