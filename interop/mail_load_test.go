package interop

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const smtpSource = "/usr/sbin/smtp-source"

func needSMTPSource(t *testing.T) {
	t.Helper()
	need(t, smtpSource)
}

// sources has Postfix' smtp-source send messages over 20 connections at a time, each to
// another recipient. It adds an empty line.
func sources(t *testing.T, to, text string, messages int, options ...string) *program {
	t.Helper()
	args := append(options, "-c", "-s", "20", "-m", strconv.Itoa(messages), "-N", "-M", "client.test",
		"-F", unix(t, messageFile(t, text), ""), "-f", "me@elsewhere.test", "-t", "eve@our.test", to)
	return start(t, smtpSource, args...)
}

// taken is how many messages smtp-source has been told are safe.
func taken(t *testing.T, said string) int {
	t.Helper()
	counts := regexp.MustCompile(`(\d+)\r`).FindAllStringSubmatch(said, -1)
	require.NotEmpty(t, counts)
	n, err := strconv.Atoi(counts[len(counts)-1][1])
	require.NoError(t, err)
	return n
}

var recipient = regexp.MustCompile(`(?m)^Delivered-To: (\S+)`)

// checkEach sees that each of smtp-source's messages is whole, and none there twice.
func checkEach(t *testing.T, mail []string, text string) {
	t.Helper()
	known := make(map[string]bool)
	for _, m := range mail {
		to := recipient.FindString(m)
		assert.False(t, known[to], "%s twice", to)
		known[to] = true
		require.True(t, strings.HasSuffix(m, "\r\n"+text+"\r\n"), "the message to %s is %q", to, m)
	}
}

// All of 1,000 messages arrive, each whole and once: on connections of their own and
// one behind the other, over LMTP too.
func TestSMTPSource(t *testing.T) {
	needSMTPSource(t)
	text := letter(numbered(500))
	for _, options := range [][]string{nil, {"-d"}, {"-L"}, {"-L", "-d"}} {
		t.Run(strings.Join(append([]string{"options"}, options...), " "), func(t *testing.T) {
			p := openPostFor(t, nil)
			to := net.JoinHostPort("127.0.0.1", p.port)
			if len(options) > 0 && options[0] == "-L" {
				to = "unix:" + p.lmtp
			}
			source := sources(t, to, text, 1000, options...)
			assert.Zero(t, source.Ends())
			assert.Equal(t, 1000, taken(t, source.Said()))
			mail := p.mail()
			assert.Equal(t, 1000, len(mail))
			checkEach(t, mail, text)
		})
	}
}

// A Postfix that has much to do passes all of it on, over TLS because we offer it, or
// over LMTP.
func TestPostfixRelays(t *testing.T) {
	needPostfix(t)
	needSMTPSource(t)
	text := letter(numbered(200))
	for name, with := range map[string]string{"SMTP": "ESMTPS", "LMTP": "LMTP"} {
		t.Run(name, func(t *testing.T) {
			p := openPostFor(t, nil)
			o := p.order(text)
			o.LMTP = name == "LMTP"
			relay := startPostfix(t, append(o.postfix(), "smtp_tls_security_level = may")...)
			source := sources(t, "unix:"+relay.dir+"/queue/public/smtpd", text, 300)
			assert.Zero(t, source.Ends())
			assert.Equal(t, 300, taken(t, source.Said()))
			for range 300 {
				relay.Expect(": removed")
			}
			mail := p.mail()
			assert.Equal(t, 300, len(mail))
			checkEach(t, mail, text)
			for _, m := range mail {
				assert.Contains(t, m, "by mx.our.test with "+with+" ")
			}
		})
	}
}

// A restart under load loses nothing that was answered with 250, and delivers nothing
// that was not. Who is told to come back later finds the new server.
func TestSMTPSourceRestart(t *testing.T) {
	needSMTPSource(t)
	const messages = 3000
	p, text := openPostFor(t, nil), letter(numbered(100))
	// Connections are kept, whatever is answered, and tried until there is a server again.
	source := sources(t, net.JoinHostPort("127.0.0.1", p.port), text, messages, "-d", "-A", "-C", "1000000000")
	for i := range 3 {
		source.Expect(fmt.Sprintf("\r%d\r", 300+700*i))
		p.end()
		p.begin()
	}
	assert.Zero(t, source.Ends())
	safe := taken(t, source.Said())
	refused := strings.Count(source.Said(), " 421 ")
	assert.Equal(t, messages, safe+refused, "each was answered")
	assert.Positive(t, refused, "there were some under way")
	mail := p.mail()
	assert.Equal(t, safe, len(mail))
	checkEach(t, mail, text)
}

// What the server has answered with 250 is there, whole, when it has been killed in the
// midst of it, and nothing half is. Nor does it hinder the next one.
func TestMailSurvivesKill(t *testing.T) {
	p := openPostFor(t, nil)
	safe := make(map[int]bool)
	for round := range 3 {
		deliverUntilKilled(p, round*1000, safe)
		lost := maps.Clone(safe)
		for _, m := range p.delivered() {
			delete(lost, checkNumber(t, m))
		}
		assert.Empty(t, lost)
		p.begin()
	}
}

// Nor does it lose anything for a Postfix, which tries again what was not answered with
// 250: all arrives, perhaps twice.
func TestMailSurvivesKillBehindPostfix(t *testing.T) {
	needPostfix(t)
	needSMTPSource(t)
	text := letter(numbered(200))
	p := openPostFor(t, nil)
	relay := startPostfix(t, append(p.order("").postfix(), "maximal_queue_lifetime = 1d", "queue_run_delay = 1s",
		"minimal_backoff_time = 1s", "maximal_backoff_time = 2s", "transport_retry_time = 1s")...)
	source := sources(t, "unix:"+relay.dir+"/queue/public/smtpd", text, 300)
	for i := range 300 {
		relay.Expect(": removed")
		if i == 50 || i == 150 {
			p.kill()
			p.begin()
		}
	}
	assert.Zero(t, source.Ends())
	var mail []string // one of each
	known := make(map[string]bool)
	for _, m := range p.delivered() {
		if to := recipient.FindString(m); !known[to] {
			known[to] = true
			mail = append(mail, m)
		}
	}
	assert.Equal(t, 300, len(mail))
	checkEach(t, mail, text)
}

// deliverUntilKilled has 20 clients send 1,000 messages, and kills the server at some
// moment while they do.
func deliverUntilKilled(p *post, first int, safe map[int]bool) {
	p.t.Helper()
	answered := make(chan int)
	var all sync.WaitGroup
	for i := range 20 {
		o := p.order("")
		o.LMTP = i%2 == 0
		c, err := o.goClient(p.t)
		require.NoError(p.t, err)
		all.Go(func() {
			defer c.Close()
			for id := first + i; id < first+1000 && sendNumber(c, id) == nil; id += 20 {
				answered <- id
			}
		})
	}
	go func() {
		all.Wait()
		close(answered)
	}()
	last, n := 1+rand.IntN(900), 0
	for id := range answered {
		safe[id] = true
		if n++; n == last {
			p.kill()
		}
	}
	require.Nil(p.t, p.program, "%d answers", n)
}

// numberedMail is a message that says what it is, and whether it is whole. Some are
// too large for the server's memory.
func numberedMail(id int) string {
	lines := 1 + id*7%5000
	if id%17 == 0 {
		lines = 60_000
	}
	body := strings.Repeat(fmt.Sprint(id, "\r\n"), lines)
	return fmt.Sprintf("Id: %d\r\nSum: %x\r\n\r\n%s", id, sha256.Sum256([]byte(body)), body)
}

// sendNumber returns nil if the message is said to be safe.
func sendNumber(c *gosmtp.Client, id int) error {
	return c.SendMail("me@elsewhere.test", []string{"eve@our.test"}, strings.NewReader(numberedMail(id)))
}

// checkNumber returns the id of a file that must be whole.
func checkNumber(t *testing.T, file string) (id int) {
	t.Helper()
	_, message, found := strings.Cut(file, "\r\nId: ")
	require.True(t, found, "%q", file)
	_, err := fmt.Sscan(message, &id)
	require.NoError(t, err)
	require.True(t, "Id: "+message == numberedMail(id), "message %d is not whole", id)
	return id
}
