package factory_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/clock"
	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocoltest"
)

// A policy is one of this package. It has the abilities in own for itself, over
// protocols and transports that do not: it then does what is done without.
type policy struct {
	around func(f factory.Factory) factory.Factory
	own    string
}

func policies() map[string]policy {
	quiet := slog.New(slog.DiscardHandler)
	log := func(level slog.Level) *factory.TrafficLog {
		return &factory.TrafficLog{Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Level: level}
	}
	record := factory.Recording{Open: func(net.Addr) (io.WriteCloser, error) { return forgetful{}, nil }, Logger: quiet}
	again := &factory.Reconnecting{Clock: &clock.Fake{}}
	all := func(f factory.Factory) factory.Factory {
		f = record.Around(log(slog.LevelError).Around(f))
		return (&factory.Limit{}).Around(factory.Idle{}.Around(again.Around(f)))
	}
	const tapped = "EOFReceiver Shutdowner Flusher SharedWriter BufferAvailer FileSender"
	return map[string]policy{
		"Limit":        {(&factory.Limit{Total: 1}).Around, ""},
		"Overflow":     {overflowing, ""},
		"Idle":         {factory.Idle{}.Around, "Flusher"},
		"Reconnecting": {again.Around, ""},
		"TrafficLog":   {log(slog.LevelError).Around, tapped},
		"silent log":   {log(slog.LevelDebug).Around, tapped},
		"Recording":    {record.Around, tapped},
		"all of them":  {all, tapped},
	}
}

type forgetful struct{}

func (forgetful) Write(p []byte) (int, error) { return len(p), nil }
func (forgetful) Close() error                { return nil }

// overflowing has f serve those above a limit.
func overflowing(f factory.Factory) factory.Factory {
	l := (&factory.Limit{Total: 1, Overflow: f}).Around(nothing())
	l.BuildProtocol(nil)
	return l
}

// A hearer says what it hears and no more than every protocol does.
type hearer struct {
	protocol.Base
	heard []string
}

func (h *hearer) hear(s string)             { h.heard = append(h.heard, s) }
func (h *hearer) DataReceived(data []byte)  { h.hear("received " + string(data)) }
func (h *hearer) ConnectionLost(err error)  { h.hear("lost: " + err.Error()) }
func (h *hearer) base() *hearer             { return h }
func (h *hearer) together() string          { return strings.Join(h.heard, "\n") }
func (h *hearer) write(s string, times int) { fmt.Fprint(h, strings.Repeat(s, times)) }

type hearing interface {
	protocol.Protocol
	base() *hearer
}

// Each of these can do one thing more.
type (
	listener struct{ hearer }
	closer   struct{ hearer }
	pacer    struct{ hearer }
	resumer  struct{ hearer }
	leaver   struct{ hearer }
	flusher  struct{ hearer }
	holder   struct{ hearer }
	secured  struct{ hearer }
)

func (p *listener) EOFReceived() bool          { p.hear("EOF"); p.write("bye", 1); return true }
func (p *closer) EOFReceived() bool            { p.hear("EOF"); p.write("bye", 1); return false }
func (p *pacer) PauseWriting()                 { p.hear("pause") }
func (p *pacer) ResumeWriting()                { p.hear("resume") }
func (p *resumer) ReadResumed()                { p.hear("read on") }
func (p *leaver) Shutdown()                    { p.hear("shutdown"); p.write("bye", 1); p.LoseConnection() }
func (p *flusher) Flush()                      { p.hear("flush") }
func (p *holder) DropInput() int               { p.hear("drop"); return 7 }
func (p *secured) Secured(tls.ConnectionState) { p.hear("secured") }

// calls call, on a protocol, one ability that it must have, or report that it has
// it not.
var calls = map[string]func(p protocol.Protocol) bool{
	"EOFReceiver": call(func(r protocol.EOFReceiver) { r.EOFReceived() }),
	"WritePauser": call(func(w protocol.WritePauser) { w.PauseWriting() }),
	"ReadResumer": call(func(r protocol.ReadResumer) { r.ReadResumed() }),
	"Shutdowner":  call(func(s protocol.Shutdowner) { s.Shutdown() }),
	"Flusher":     call(func(f protocol.Flusher) { f.Flush() }),
	"InputHolder": call(func(h protocol.InputHolder) { h.DropInput() }),
	"SecuredReceiver": call(func(s protocol.SecuredReceiver) {
		s.Secured(tls.ConnectionState{})
	}),
}

func call[T any](f func(T)) func(p protocol.Protocol) bool {
	return func(p protocol.Protocol) bool {
		ability, ok := protocol.As[T](p)
		if ok {
			f(ability)
		}
		return ok
	}
}

func able() map[string]func() hearing {
	return map[string]func() hearing{
		"":                func() hearing { return &hearer{} },
		"EOFReceiver":     func() hearing { return &listener{} },
		"WritePauser":     func() hearing { return &pacer{} },
		"ReadResumer":     func() hearing { return &resumer{} },
		"Shutdowner":      func() hearing { return &leaver{} },
		"Flusher":         func() hearing { return &flusher{} },
		"InputHolder":     func() hearing { return &holder{} },
		"SecuredReceiver": func() hearing { return &secured{} },
	}
}

// Whoever asks a policy's protocol for an ability finds that of the protocol
// inside, if that has it, and only then.
func TestPoliciesPassOnAbilitiesOfProtocols(t *testing.T) {
	for name := range policies() {
		for has, make := range able() {
			for ability, call := range calls {
				policy, inner := policies()[name], make()
				p := policy.around(factory.Each(func() protocol.Protocol { return inner })).BuildProtocol(nil)
				tr := protocoltest.Connect(p)
				tr.Do(func() {
					before := len(inner.base().heard)
					found := call(p)
					own := strings.Contains(policy.own, ability)
					assert.Equal(t, has == ability || own, found, "%s around one with %q: %s", name, has, ability)
					assert.Equal(t, has == ability, len(inner.base().heard) > before, "%s: %s", name, ability)
				})
			}
		}
	}
}

// conversations make use of everything that a reactor does.
var conversations = map[string]func(tr *protocoltest.Transport, h *hearer) string{
	"paced": func(tr *protocoltest.Transport, h *hearer) string {
		tr.Receive("hello")
		tr.Stall(true)
		tr.Do(func() { h.write("x", 300_000) })
		tr.Receive("more")
		tr.Stall(false)
		got := tr.Take()
		tr.Do(h.PauseReading)
		tr.Receive("and more")
		tr.Do(h.ResumeReading)
		tr.Do(h.LoseConnection)
		return got
	},
	"half-closed by the peer": func(tr *protocoltest.Transport, h *hearer) string {
		tr.EOF()
		tr.Do(func() { h.write("after", 1) })
		tr.Do(h.CloseWrite)
		return tr.Take()
	},
	"half-closed by us": func(tr *protocoltest.Transport, h *hearer) string {
		tr.Do(func() { h.write("a", 100); h.CloseWrite() })
		tr.Receive("b")
		tr.EOF()
		return tr.Take()
	},
	"shut down": func(tr *protocoltest.Transport, h *hearer) string {
		tr.Receive("a")
		tr.Shutdown()
		return tr.Take()
	},
	"aborted": func(tr *protocoltest.Transport, h *hearer) string {
		tr.Do(func() { h.write("a", 1) })
		got := tr.Take()
		tr.Do(func() { h.write("a", 1); h.Abort(); h.write("b", 1) })
		return got + tr.Take()
	},
}

// Neither side can tell whether there is a policy.
func TestPoliciesChangeNothing(t *testing.T) {
	makers := able()
	makers["that closes"] = func() hearing { return &closer{} }
	for has, make := range makers {
		for what, converse := range conversations {
			said := func(around func(f factory.Factory) factory.Factory) string {
				inner := make()
				f := around(factory.Each(func() protocol.Protocol { return inner }))
				tr := protocoltest.Connect(f.BuildProtocol(nil))
				got := converse(tr, inner.base())
				tr.Reset()
				return fmt.Sprintf("%s\nthe peer got %s\nand %v", inner.base().together(), got, tr.Lost())
			}
			plain := said(func(f factory.Factory) factory.Factory { return f })
			for name, policy := range policies() {
				assert.Equal(t, plain, said(policy.around), "%s around one with %q, %s", name, has, what)
			}
		}
	}
}

// A resource is what a transport can have: everything.
type resource struct {
	protocol.Transport
	asked []string
}

func (r *resource) ask(s string)                               { r.asked = append(r.asked, s) }
func (r *resource) Drained(func(error))                        { r.ask("Drained") }
func (r *resource) Ended(func(error)) func()                   { r.ask("Ended"); return func() {} }
func (r *resource) SetReason(error)                            { r.ask("SetReason") }
func (r *resource) WriteShared(p []byte) (int, error)          { r.ask("WriteShared"); return len(p), nil }
func (r *resource) AvailableBuffer() []byte                    { r.ask("AvailableBuffer"); return nil }
func (r *resource) StartTLS() error                            { r.ask("StartTLS"); return nil }
func (r *resource) TLSState() (s tls.ConnectionState, ok bool) { r.ask("TLSState"); return s, true }
func (r *resource) UnregisterProducer()                        { r.ask("UnregisterProducer") }
func (r *resource) SendFile(*os.File, int64, int64, func(int64, error)) {
	r.ask("SendFile")
}
func (r *resource) RegisterProducer(protocol.Producer, bool) error {
	r.ask("RegisterProducer")
	return nil
}

// views show one of a resource's abilities each.
var views = map[string]func(t protocol.Transport, r *resource) protocol.Transport{
	"": func(t protocol.Transport, _ *resource) protocol.Transport { return struct{ protocol.Transport }{t} },
	"Notifier": func(t protocol.Transport, r *resource) protocol.Transport {
		return struct {
			protocol.Transport
			protocol.Notifier
		}{t, r}
	},
	"SharedWriter": func(t protocol.Transport, r *resource) protocol.Transport {
		return struct {
			protocol.Transport
			protocol.SharedWriter
		}{t, r}
	},
	"BufferAvailer": func(t protocol.Transport, r *resource) protocol.Transport {
		return struct {
			protocol.Transport
			protocol.BufferAvailer
		}{t, r}
	},
	"FileSender": func(t protocol.Transport, r *resource) protocol.Transport {
		return struct {
			protocol.Transport
			protocol.FileSender
		}{t, r}
	},
	"TLSStarter": func(t protocol.Transport, r *resource) protocol.Transport {
		return struct {
			protocol.Transport
			protocol.TLSStarter
		}{t, r}
	},
	"TLSStater": func(t protocol.Transport, r *resource) protocol.Transport {
		return struct {
			protocol.Transport
			protocol.TLSStater
		}{t, r}
	},
	"ProducerRegistry": func(t protocol.Transport, r *resource) protocol.Transport {
		return struct {
			protocol.Transport
			protocol.ProducerRegistry
		}{t, r}
	},
}

// uses use an ability, and answer its name if that was there.
var uses = map[string]func(t protocol.Transport) bool{
	"Notifier": use(func(n protocol.Notifier) { n.Drained(nil); n.Ended(nil); n.SetReason(nil) }),
	"SharedWriter": use(func(w protocol.SharedWriter) {
		w.WriteShared([]byte("shared"))
	}),
	"BufferAvailer":    use(func(b protocol.BufferAvailer) { b.AvailableBuffer() }),
	"FileSender":       use(func(s protocol.FileSender) { s.SendFile(os.Stdin, 0, 0, func(int64, error) {}) }),
	"TLSStarter":       use(func(s protocol.TLSStarter) { s.StartTLS() }),
	"TLSStater":        use(func(s protocol.TLSStater) { s.TLSState() }),
	"ProducerRegistry": use(func(r protocol.ProducerRegistry) { r.RegisterProducer(nil, true); r.UnregisterProducer() }),
}

func use[T any](f func(T)) func(t protocol.Transport) bool {
	return func(t protocol.Transport) bool {
		ability, ok := protocol.As[T](t)
		if ok {
			f(ability)
		}
		return ok
	}
}

// The same holds for what the protocol inside asks its transport for.
func TestPoliciesPassOnAbilitiesOfTransports(t *testing.T) {
	for name := range policies() {
		for has, view := range views {
			for ability, use := range uses {
				policy, inner, below := policies()[name], &hearer{}, &resource{}
				p := policy.around(factory.Each(func() protocol.Protocol { return inner })).BuildProtocol(nil)
				tr := protocoltest.Connect(&hearer{})
				tr.Do(func() {
					protocol.Connect(p, view(tr.Transport, below))
					below.asked = nil // what the policy itself wanted
					found := use(inner.Transport)
					own := strings.Contains(policy.own, ability)
					assert.Equal(t, has == ability || own, found, "%s over one with %q: %s", name, has, ability)
					assert.Equal(t, has == ability, len(below.asked) > 0, "%s: %s", name, ability)
				})
				if ability == "SharedWriter" && has != ability && strings.Contains(policy.own, ability) {
					require.Equal(t, "shared", tr.Take(), "written at least")
				}
			}
		}
	}
}

// A shop is a factory that hears all that one can.
type shop struct {
	factory.Factory
	heard []string
}

func (s *shop) hear(what string)                       { s.heard = append(s.heard, what) }
func (s *shop) StartFactory() error                    { s.hear("open"); return nil }
func (s *shop) StopFactory()                           { s.hear("close") }
func (s *shop) Connecting(factory.Connector)           { s.hear("connecting") }
func (s *shop) ConnectFailed(factory.Connector, error) { s.hear("failed") }
func (s *shop) Disconnected(factory.Connector, error)  { s.hear("disconnected") }

// And for what a network tells factories.
func TestPoliciesPassOnAbilitiesOfFactories(t *testing.T) {
	for name, policy := range policies() {
		if name == "Overflow" { // is no factory's policy: its own is never started
			continue
		}
		m := network()
		servers, served := probes(probe{})
		listen(t, m, servers)
		s := &shop{Factory: nothing()}
		connect(m, policy.around(s), 1)
		require.Len(t, *served, 1)
		do(t, m, (*served)[0].LoseConnection)
		stop(t, m)
		assert.Equal(t, "open connecting disconnected close", strings.Join(s.heard, " "), name)
	}
}
