package smtp_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/internal/hosttest"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/smtp"
	"github.com/torsion-go/torsion/reactortest"
)

// A post is a Queue in a bubble, whose time stands still while anything goes on, with
// servers of ours that it finds by a Resolver of ours.
type post struct {
	*testing.T
	*dns
	network *reactortest.Memory
	queue   *smtp.Queue
	log     *hosttest.Log
	ports   sync.Map // where who has an address really listens
}

// inPost runs a test with a Queue that set may change before it starts.
func inPost(t *testing.T, set func(p *post), test func(t *testing.T, p *post)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &post{T: t, dns: &dns{}, log: &hosttest.Log{}}
		p.network = reactortest.NewMemory(reactortest.Config{Logger: slog.New(slog.DiscardHandler)})
		done := make(chan error, 1)
		go func() { done <- p.network.Run(context.Background()) }()
		p.queue = p.another(filepath.Join(t.TempDir(), "queue"))
		if set != nil {
			set(p)
		}
		t.Cleanup(func() {
			assert.NoError(t, p.queue.Close())
			p.network.Stop()
			assert.NoError(t, <-done)
		})
		require.NoError(t, p.queue.Start(p.network))
		test(t, p)
	})
}

// another is a Queue on a folder, not started.
func (p *post) another(dir string) *smtp.Queue {
	return &smtp.Queue{
		Dir: dir, Domain: "us.test", Resolver: p.dns, Logger: slog.New(slog.NewTextHandler(p.log, nil)),
		Tune: func(_ string, c *smtp.ClientConfig) {
			if real, ok := p.ports.Load(c.Addr); ok {
				c.Addr = real.(string)
			}
		},
		Backoff: func(attempts int) time.Duration { return time.Duration(attempts) * time.Hour },
	}
}

// restart closes the Queue and starts another on its folder.
func (p *post) restart() {
	p.Helper()
	require.NoError(p, p.queue.Close())
	p.queue = p.another(p.queue.Dir)
	require.NoError(p, p.queue.Start(p.network))
}

// listen serves a host, whose name the dns knows, with a factory.
func (p *post) listen(host, ip string, f factory.Factory) {
	p.Helper()
	port, err := p.network.Listen("tcp", "127.0.0.1:0", f)
	require.NoError(p, err)
	p.ports.Store(net.JoinHostPort(ip, "25"), port.Addr().String())
	p.host(host, ip)
}

// serve is listen with our server.
func (p *post) serve(host, ip string, d smtp.Delivery) {
	p.listen(host, ip, smtp.Config{Domain: host, EnableDSN: true}.New(&smtp.Local{Delivery: d}))
}

// send puts a message into the queue, as a program does.
func (p *post) send(from string, to ...string) {
	p.Helper()
	require.NoError(p, p.deliver(from, to...))
}

const letter = "Subject: hi\r\nMessage-ID: <1@a.test>\r\n\r\nbody\r\n"

func (p *post) deliver(from string, to ...string) error {
	e := &smtp.Envelope{From: from}
	for _, a := range to {
		e.To = append(e.To, smtp.Recipient{Address: a})
	}
	return p.queue.Deliver(e, strings.NewReader(letter))
}

// settle waits until nothing goes on any more but time.
func (p *post) settle() { synctest.Wait() }

// after lets time pass.
func (p *post) after(d time.Duration) {
	time.Sleep(d) // in the bubble: until all is still
	synctest.Wait()
}

// A dns is a Resolver that knows what it was told.
type dns struct {
	mu    sync.Mutex
	mx    map[string][]*net.MX
	hosts map[string][]string
	fail  map[string]error
}

func (d *dns) host(name string, ips ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hosts == nil {
		d.hosts = make(map[string][]string)
	}
	delete(d.fail, name+".")
	d.hosts[name+"."] = append(d.hosts[name+"."], ips...)
}

// route says that mail for a domain goes to hosts, with preferences 10, 20...
func (d *dns) route(domain string, hosts ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mx == nil {
		d.mx = make(map[string][]*net.MX)
	}
	for i, h := range hosts {
		d.mx[domain+"."] = append(d.mx[domain+"."], &net.MX{Host: h + ".", Pref: uint16(10 * (i + 1))})
	}
}

// broken has questions for a name fail.
func (d *dns) broken(name string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail == nil {
		d.fail = make(map[string]error)
	}
	d.fail[name+"."] = err
}

func (d *dns) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mx[name] == nil {
		return nil, d.unknown(name)
	}
	return d.mx[name], nil
}

func (d *dns) LookupHost(_ context.Context, name string) ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hosts[name] == nil {
		return nil, d.unknown(name)
	}
	return d.hosts[name], nil
}

func (d *dns) unknown(name string) error {
	if err := d.fail[name]; err != nil {
		return err
	}
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// moody is a Delivery whose answer can be changed.
type moody struct {
	smtp.Inbox
	mu    sync.Mutex
	err   error
	asked atomic.Int64
}

func (m *moody) say(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *moody) Deliver(e *smtp.Envelope, text io.ReadSeeker) error {
	m.asked.Add(1)
	m.mu.Lock()
	err := m.err
	m.mu.Unlock()
	if err != nil {
		return err
	}
	return m.Inbox.Deliver(e, text)
}

var (
	later   = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Not now"}
	errFine = errors.New("fine")
)

// silence is for ever.
const silence = ""

// scripted is a server that says one thing after the other, when it has heard a line or
// the end of a message. Then it breaks off.
func scripted(says ...string) factory.Factory {
	return factory.Each(func() protocol.Protocol { return line.New(&actor{says: says}) })
}

type actor struct {
	line.Base
	says []string
	data bool
}

func (a *actor) ConnectionMade(*line.Conn) { a.say() }

// Shutdown is none of his business: he stands for a server elsewhere.
func (a *actor) Shutdown() {}

func (a *actor) LineReceived(l []byte) {
	if a.data && string(l) != "." {
		return
	}
	a.data = strings.HasPrefix(string(l), "DATA")
	a.say()
}

func (a *actor) say() {
	if len(a.says) == 0 {
		a.Abort()
		return
	}
	if a.says[0] == silence {
		return
	}
	io.WriteString(a, a.says[0])
	a.says = a.says[1:]
}
