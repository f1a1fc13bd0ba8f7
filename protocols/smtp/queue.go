package smtp

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/torsion-go/torsion/factory"
)

// A Queue is a Delivery for mail that goes elsewhere. It keeps each message in a
// folder until a server has taken it, or until it is clear that none will, and then
// tells the sender:
//
//	local := &smtp.Local{Domains: []string{"our.test"}, Delivery: maildir, Authenticate: check}
//	queue := &smtp.Queue{Dir: "/var/spool/torsion", Resolver: net.DefaultResolver, Bounces: local}
//	local.Outgoing = queue // before Start, from when on it has reports for local
//	if err := queue.Start(r); err != nil { // r is a reactor
//		return err
//	}
//	defer queue.Close()
//
// Dir is needed, and one of Smarthost and Resolver. The fields may not change once it
// has started. All methods may be called from any goroutine, but only Flush, Stats and
// List on a loop, for the others wait.
//
// A message that Deliver has taken is on the disk, its text and its envelope. What has
// become of each recipient is written there after each attempt, before anything else
// happens to the message. So nothing is lost, whenever the process is killed or the
// power fails, and nobody gets a message again who is known to have it. Who may have
// it gets it again: where a connection is lost between the message and the reply to
// it, or the process ends there ([ErrUnknown]; RFC 1047).
//
// A message waits for as long as there is no server, or none that will talk to us: what is
// said before MAIL, at a greeting or a login for example, is no refusal of the message,
// nor is 530, which wants us to log in, later. From MAIL on 5xx is one.
//
// All recipients of a message at one destination are served by one transaction (100 at
// a time), and its connection serves the next message for that destination.
// Destinations take turns, so that one which is slow has two connections at most, and
// one which cannot be reached is tried once for all that waits for it. What has become of
// a message at all of its destinations is told to the sender at once, as far as it shows
// together.
type Queue struct {
	// Dir is made if it is not there, but its parent is not. It belongs to one Queue;
	// on Unix a second one, in whatever process, cannot start on it.
	Dir string

	// Smarthost takes all mail, if it has an Addr. Its Network is that of Start, and
	// its LocalName Domain if it is empty. As with any server, it is the operator's
	// trouble if we cannot log in there: messages wait meanwhile. An Auth is used for
	// several connections at once; if it cannot be, Tune makes one for each.
	Smarthost ClientConfig

	// Resolver finds the servers of a domain if there is no Smarthost;
	// net.DefaultResolver is one. It is asked for names with a dot at their end, and
	// for those with other letters than ASCII as they are written.
	Resolver Resolver

	// Tune may change how a connection is made to a destination, a domain in lower
	// case, an address literal or the Smarthost's Addr: require TLS, say who we are,
	// set timeouts. What it gets has the address of a server in Addr and, from the
	// Resolver, its name in TLS.ServerName; TLS is opportunistic then (RFC 7435). It
	// is called on several goroutines at once.
	Tune func(destination string, c *ClientConfig)

	// Domain is what we call ourselves, to servers and in reports; os.Hostname if
	// empty. Aliases are other names of this host. A domain whose mail should come
	// here, says the DNS, is a loop (RFC 5321, section 5.1).
	Domain  string
	Aliases []string

	// AllowLoopback sends to servers on this host, too, where the DNS has such
	// addresses; otherwise these are a loop as well.
	AllowLoopback bool

	// Port is that of servers that the Resolver has found; 25 if zero.
	Port uint16

	// Bounces takes reports to senders (RFC 3464): of failures, and what else they
	// have asked for (RFC 3461). A Local is one for senders here and elsewhere; if it
	// is nil all are put into the queue. What is refused for good is lost, and logged. A
	// report may come twice if the process is killed, with the same Message-ID.
	Bounces Delivery

	// MaxMessages is how many it holds; 10,000 if zero. Then more are refused with 452
	// 4.3.1; of reports, which have no sender, it takes as many besides.
	MaxMessages int

	// MaxAge is how long a message is tried; 5 days if zero.
	MaxAge time.Duration

	// Backoff is how long to wait after so many attempts (1 after the first) that
	// have failed for now. If it is nil that is 5 min, twice as long each time up to 4
	// h, give or take a tenth.
	Backoff func(attempts int) time.Duration

	// PerDestination is how many connections there are to one destination that answers,
	// 2 if zero, and Connections how many in all, 20 if zero. One that cannot be reached
	// keeps one of them busy while that shows, up to 5 min for each of its addresses; all
	// that could not be reached before have half of them.
	PerDestination, Connections int

	// Logger is slog.Default() if nil. What is sent, put off and given up is said at
	// Info, what an operator should look at above that.
	Logger *slog.Logger

	mu         sync.Mutex
	network    factory.Network
	files      *queueFiles   // nil before Start
	halted     bool          // nothing is sent any more
	closed     bool          // nor is anything taken
	ended      chan struct{} // closed by Close; nil before Start
	ctx        context.Context
	cancel     context.CancelFunc
	entries    map[string]*queueEntry
	held       int64 // bytes of their envelopes
	lanes      map[string]*queueLane
	ring       []*queueLane // those that wait for a sender, in turn
	senders    int
	hopeful    int // of these for lanes that were missed before
	sending    sync.WaitGroup
	delivering sync.WaitGroup
	counts     QueueStats // only what it counts
}

// A Resolver looks up in the DNS. A *net.Resolver is one.
type Resolver interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupHost(ctx context.Context, host string) ([]string, error)
}

var (
	errQueueFull    = &SMTPError{Code: 452, EnhancedCode: EnhancedCode{4, 3, 1}, Message: "Queue full"}
	errQueueDown    = &SMTPError{Code: 451, EnhancedCode: EnhancedCode{4, 3, 2}, Message: "Queue not running"}
	errQueueTooMany = &SMTPError{Code: 452, EnhancedCode: EnhancedCode{4, 5, 3}, Message: "Too many recipients"}

	errQueueStarted = errors.New("smtp: the Queue has been started, or closed")
	errQueueDir     = errors.New("smtp: a Queue needs a Dir")
	errQueueNowhere = errors.New("smtp: a Queue needs a Smarthost or a Resolver")
)

// queueMemory bounds the envelopes of all messages.
const queueMemory = 64 << 20

func (q *Queue) domain() string {
	if q.Domain != "" {
		return q.Domain
	}
	return hostname()
}

func (q *Queue) maxAge() time.Duration { return cmp.Or(q.MaxAge, 5*24*time.Hour) }

func (q *Queue) logger() *slog.Logger { return cmp.Or(q.Logger, slog.Default()) }

// backoff is how long to wait after so many attempts.
func (q *Queue) backoff(attempts int) (d time.Duration) {
	if q.Backoff != nil {
		err := guarded(func() error { d = q.Backoff(attempts); return nil })
		if err == nil {
			return max(0, d)
		}
		q.logger().Error("smtp: Queue.Backoff", "err", err)
	}
	const first, last = 5 * time.Minute, 4 * time.Hour
	if d = last; attempts < 7 {
		d = min(last, first<<max(0, attempts-1))
	}
	return d - d/10 + rand.N(d/5)
}

// expires is when the last attempt is made.
func (q *Queue) expires(e *queueEntry) time.Time { return e.Time.Add(q.maxAge()) }
