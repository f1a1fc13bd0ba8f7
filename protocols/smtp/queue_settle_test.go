package smtp_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// A queue that is full can return what is in it, by whatever way.
func TestQueueFullReports(t *testing.T) {
	for name, local := range map[string]*smtp.Local{"by itself": nil, "by a Local": {Domains: []string{"us.test"}}} {
		t.Run(name, func(t *testing.T) {
			var here moody
			inPost(t, func(p *post) {
				if p.queue.MaxMessages = 10; local != nil {
					p.queue.Bounces, local.Outgoing = local, p.queue
				}
			}, func(t *testing.T, p *post) {
				p.serve("a.test", "192.0.2.1", &here)
				p.host("b.test", "192.0.2.9")
				p.many(10, "bob@b.test")
				assert.Equal(t, "452 4.3.1", code(p.deliver("ann@a.test", "bob@b.test")))
				p.after(5*24*time.Hour + time.Minute)
				assert.Len(t, here.Messages(), 10)
				p.requireEmpty()
			})
		})
	}
}

// A message for many destinations is reported once, when all of them have been tried: who has
// a wrong list gets no flood, nor does whoever somebody else has put as its sender.
func TestQueueReportsDestinationsTogether(t *testing.T) {
	var bounces smtp.Inbox
	inPost(t, func(p *post) { p.queue.Bounces = &bounces }, func(t *testing.T, p *post) {
		p.serve("here.test", "192.0.2.1", &smtp.Inbox{})
		p.listen("slow.test", "192.0.2.2", scripted(silence))
		p.broken("later.test", errFine)
		to := []string{"bob@here.test", "bob@later.test", "bob@slow.test"}
		for i := range 100 {
			to = append(to, fmt.Sprintf("bob@nowhere%d.test", i))
		}
		p.send("ann@a.test", to...)
		p.settle()
		assert.Empty(t, bounces.Messages(), "one has not answered yet")
		p.after(5 * time.Minute)
		require.Len(t, bounces.Messages(), 1)
		assert.Len(t, requireReport(t, bounces.Messages()[0]).recipients, 100)
		require.Len(t, p.queue.List(), 1)
		assert.Len(t, p.queue.List()[0].To, 2)
	})
}

// A report that is made twice, since the process was killed between taking and noting it, can be
// told by its name; one that says something else has another.
func TestQueueNamesReports(t *testing.T) {
	var bounces smtp.Inbox
	crashed, copied := filepath.Join(t.TempDir(), "queue"), false
	set := func(p *post) {
		p.queue.Bounces = smtp.Func(func(e *smtp.Envelope, message io.ReadSeeker) error {
			if !copied { // when it has been taken nothing of that has been written
				copied = true
				assert.NoError(t, os.CopyFS(crashed, os.DirFS(p.queue.Dir)))
			}
			return bounces.Deliver(e, message)
		})
	}
	inPost(t, set, func(t *testing.T, p *post) {
		p.send("ann@a.test", "bob@nowhere1.test", "bea@nowhere2.test")
		p.settle()
		require.Len(t, bounces.Messages(), 1)
		require.NoError(t, p.queue.Close())
		p.queue = p.another(crashed)
		set(p)
		require.NoError(t, p.queue.Start(p.network))
		p.after(time.Hour)
		require.Len(t, bounces.Messages(), 2)
		p.send("ann@a.test", "bob@nowhere1.test", "bea@nowhere2.test")
		p.settle()
		var names []string
		for _, m := range bounces.Messages() {
			names = append(names, requireReport(t, m).header.Get("Message-Id"))
		}
		require.Len(t, names, 3)
		assert.Equal(t, names[0], names[1])
		assert.NotEqual(t, names[0], names[2])
		assert.Regexp(t, `^<[0-9a-f]{32}@us\.test>$`, names[0])
	})
}

// What is to be reported is so also at the end, and, if there is none but a crash, after that.
func TestQueueReportsAfterRestart(t *testing.T) {
	var bounces smtp.Inbox
	set := func(p *post) { p.queue.Bounces = &bounces }
	inPost(t, set, func(t *testing.T, p *post) {
		p.listen("slow.test", "192.0.2.2", scripted(silence))
		p.send("ann@a.test", "bob@slow.test", "bob@nowhere1.test", "bob@nowhere2.test")
		p.settle()
		require.Empty(t, bounces.Messages())
		crashed := filepath.Join(t.TempDir(), "queue")
		require.NoError(t, os.CopyFS(crashed, os.DirFS(p.queue.Dir)))
		require.NoError(t, p.queue.Close())
		require.Len(t, bounces.Messages(), 1, "there is nothing more to wait for")
		bounces.Clear()
		p.queue = p.another(crashed)
		set(p)
		require.NoError(t, p.queue.Start(p.network))
		p.after(time.Hour)
		require.Len(t, bounces.Messages(), 1)
		assert.Len(t, requireReport(t, bounces.Messages()[0]).recipients, 2)
	})
}
