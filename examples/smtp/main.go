// Smtp takes mail: for trying out programs that send some, or for keeping it.
//
//	go run ./examples/smtp                                     # shows who writes to whom, and the header
//	go run ./examples/smtp -maildir ~/Mail -domain example.org # keeps what comes
//
// With -user and -relay it also passes mail on, of who has logged in and to elsewhere. What waits
// for another attempt is tried at once after SIGUSR1.
//
// Lines have to end with CRLF; a message in which a CR or LF stands on its own is refused
// (554 5.6.0). These clients send them so, as examples/sendmail does:
//
//	swaks --server 127.0.0.1:2525 --to bob@example.org
//	curl --crlf smtp://127.0.0.1:2525 --mail-from ann@example.org --mail-rcpt bob@example.org -T message
//	nc -C 127.0.0.1 2525
package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/torsion-go/torsion/examples/internal/certificate"
	"github.com/torsion-go/torsion/examples/internal/program"
	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocols/smtp"
	"github.com/torsion-go/torsion/reactor"
)

func main() {
	var config smtp.Config
	var local smtp.Local
	var loops reactor.Config
	var limit factory.Limit
	var cert certificate.Flags
	var open ports
	var out relay
	flag.StringVar(&open.plain, "listen", "127.0.0.1:2525", "`address` to listen on; none if empty")
	flag.StringVar(&open.tls, "listen-tls", "", "`address` to listen on for TLS from the start, as port 465 is")
	flag.StringVar(&open.lmtp, "lmtp", "", "`path` of a Unix socket to listen on for LMTP")
	mode := flag.String("lmtp-mode", "", "who may use the socket of -lmtp, as `0666`; what the umask leaves if empty")
	flag.DurationVar(&loops.DrainTimeout, "drain", 10*time.Second, "how long sessions may go on after SIGTERM; -1ns: to their end")
	reactors := flag.Int("reactors", 1, "event loops; 0: one for each core")
	maildir := flag.String("maildir", "", "keep messages in this maildir `folder`; they are only shown if there is none")
	flag.Func("domain", "take mail for this `domain` only (repeatable); for any if there is none", add(&local.Domains))
	flag.Func("mailbox", "take mail for this `user`, or user@domain, only (repeatable)", add(&local.Mailboxes))
	user := flag.String("user", "", "the `name` of who may log in")
	password := flag.String("password", "", "the `password` of -user; TORSION_PASSWORD is better, for ps does not show it")
	flag.BoolVar(&local.Login, "login", false, "offer AUTH LOGIN too, for old programs")
	flag.BoolVar(&config.AllowInsecureAuth, "insecure-auth", false, "take passwords in clear, too")
	flag.StringVar(&config.Domain, "name", "", "what the server calls itself; this host's name if empty")
	flag.DurationVar(&config.CommandTimeout, "idle", 5*time.Minute, "how long a client may be silent; -1ns: for ever")
	flag.Int64Var(&config.MaxMessageBytes, "max-size", 25<<20, "`bytes` of the largest message; -1: any")
	flag.IntVar(&limit.Total, "connections", 1000, "most connections to each -listen, -listen-tls and -lmtp; 0: any number")
	flag.IntVar(&limit.PerPeer, "host", 50, "most connections from one host to each -listen and -listen-tls; 0: any number")
	flag.StringVar(&out.addr, "relay", "", "`host:port` of a server that takes mail of who has logged in to other domains")
	flag.StringVar(&out.folder, "queue", "", "the `folder` in which mail for -relay waits")
	cert.Register()
	flag.Parse()
	config.DataTimeout = config.CommandTimeout
	local.Delivery = smtp.Func(show)
	if *maildir != "" {
		local.Delivery = &smtp.Maildir{Dir: *maildir}
	}
	err := given()
	if err == nil {
		config.TLS, err = cert.Config()
	}
	if err == nil {
		err = errors.Join(named(config.Domain, &local), open.mode(*mode), open.check(config), login(&local, *user, *password, config), opened(local.Delivery), out.check(&local))
	}
	if err != nil {
		log.Print(err)
		os.Exit(2) // as for a flag that there is not
	}
	if err := serve(open, *reactors, loops, config, &local, &limit, out); err != nil {
		log.Fatal(err)
	}
}

// given finds out early what makes no sense by itself.
func given() error {
	return errors.Join(program.NoArgs(), program.Counts("reactors", "connections", "host"), program.Limits("max-size", "idle", "drain"),
		program.Need("user", "password", "login"), program.Need("lmtp", "lmtp-mode"))
}

// add makes a flag of a list.
func add(list *[]string) func(string) error {
	return func(s string) error {
		*list = append(*list, s)
		return nil
	}
}

// opened finds out early that a maildir cannot be written.
func opened(d smtp.Delivery) error {
	if m, ok := d.(*smtp.Maildir); ok {
		if err := m.Open(); err != nil {
			return fmt.Errorf("-maildir: %w", err)
		}
	}
	return nil
}

// login has a user log in.
func login(l *smtp.Local, user, password string, c smtp.Config) error {
	if password == "" {
		password = os.Getenv("TORSION_PASSWORD")
	}
	switch {
	case user == "":
		return nil
	case password == "":
		return errors.New("-user needs a password: -password, or TORSION_PASSWORD")
	case c.TLS == nil && !c.AllowInsecureAuth:
		return errors.New("-user would send its password in clear: use -tls-cert or -tls-self-signed, or allow it with -insecure-auth")
	}
	l.Authenticate = func(u, p string) error {
		if subtle.ConstantTimeCompare([]byte(u+"\x00"+p), []byte(user+"\x00"+password)) == 0 {
			return errors.New("wrong user or password")
		}
		return nil
	}
	return nil
}

// ports are where the server listens.
type ports struct {
	plain, tls, lmtp string
	lmtpMode         fs.FileMode
}

// check finds out early what would not do.
func (p *ports) check(c smtp.Config) error {
	switch {
	case p.plain == "" && p.tls == "" && p.lmtp == "":
		return errors.New("nowhere to listen: -listen, -listen-tls or -lmtp")
	case p.tls != "" && c.TLS == nil:
		return errors.New("-listen-tls needs -tls-cert or -tls-self-signed")
	}
	return nil
}

// mode reads the socket's permissions.
func (p *ports) mode(s string) error {
	if s == "" {
		return nil
	}
	n, err := strconv.ParseUint(s, 8, 9)
	if err != nil {
		return fmt.Errorf("-lmtp-mode: %q is no permissions, as 0666 is", s)
	}
	p.lmtpMode = fs.FileMode(n)
	return nil
}

// serve ends after SIGINT or SIGTERM, when messages under way have been taken, or the time
// for that is up. A second signal ends the program at once.
func serve(open ports, reactors int, loops reactor.Config, c smtp.Config, b *smtp.Local, limit *factory.Limit, out relay) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	pool, err := reactor.NewPool(reactors, loops)
	if err != nil {
		return err
	}
	program.TellEnd(pool, loops.DrainTimeout)
	stopRelay, err := out.start(pool.Reactors()[0], b, c.Domain)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopRelay()) }()
	if err := open.listen(pool, c, b, limit); err != nil {
		return err
	}
	return pool.Run(ctx)
}

// listen opens all ports, and then says so. Each has a Limit of its own: it has one Overflow,
// which begins with TLS or not, and whoever fills the public port shall not keep those of this
// machine out, who are all one host.
func (p *ports) listen(pool *reactor.Pool, c smtp.Config, b *smtp.Local, limit *factory.Limit) (err error) {
	secured := &factory.Limit{Total: limit.Total, PerPeer: limit.PerPeer}
	own := &factory.Limit{Total: limit.Total}
	local, implicit := c, c
	local.LMTP, local.TLS = true, nil
	implicit.ImplicitTLS = true
	limit.Overflow, secured.Overflow, own.Overflow = c.Busy(), implicit.Busy(), local.Busy()
	var all []factory.Port
	listen := func(network, addr string, c smtp.Config, limit *factory.Limit) {
		if addr == "" || err != nil {
			return
		}
		var port factory.Port
		f := limit.Around(c.New(b))
		port, err = pool.Tuned(factory.Socket{UnixMode: p.lmtpMode}).Listen(network, addr, func(factory.Network) factory.Factory { return f })
		all = append(all, port)
	}
	listen("tcp", p.plain, c, limit)
	listen("unix", p.lmtp, local, own)
	listen("tcp", p.tls, implicit, secured)
	if err != nil {
		return err
	}
	for _, port := range all {
		fmt.Println("listening on", port.Addr())
	}
	return nil
}
