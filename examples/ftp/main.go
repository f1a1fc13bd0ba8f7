// Ftp serves the files of a folder.
//
//	go run ./examples/ftp -root . -anonymous
//	go run ./examples/ftp -root . -user ann -password sesame -tls-self-signed -tls-required
//
// Without -tls-required who asks for TLS has it, and the passwords of others, and all
// files, go over the network so that everybody on the way can read them.
// Nor can it be told in clear whether a client that was killed had sent all of its file:
// what came of it stays, as if it were the whole.
//
// Standard error has who logs in, and what each does with files; package ftp says how to
// read that.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/torsion-go/torsion/examples/internal/certificate"
	"github.com/torsion-go/torsion/examples/internal/program"
	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocols/ftp"
	"github.com/torsion-go/torsion/reactor"
)

func main() {
	var config ftp.Config
	var loops reactor.Config
	var limit factory.Limit
	var cert certificate.Flags
	var files ftp.Root
	listen := flag.String("listen", "127.0.0.1:2121", "`address` to listen on; none if empty")
	listenTLS := flag.String("listen-tls", "", "`address` to listen on for TLS from the start, as port 990 is")
	flag.StringVar(&files.Dir, "root", "", "the `folder` that is served")
	flag.Int64Var(&files.Quota, "quota", 0, "`bytes` that all files may have, one that is replaced beside the new one until that is whole; 0: any number")
	flag.BoolVar(&files.Sync, "sync", false, "answer for uploads only when they are on the disk")
	flag.DurationVar(&loops.DrainTimeout, "drain", 10*time.Second, "how long transfers may go on after SIGTERM; -1ns: to their end")
	reactors := flag.Int("reactors", 1, "event loops; 0: one for each core")
	user := flag.String("user", "", "the `name` of who may read and write")
	password := flag.String("password", "", "the `password` of -user; TORSION_PASSWORD is better, for ps does not show it")
	anonymous := flag.Bool("anonymous", false, "let anybody read, as anonymous or ftp")
	ports := flag.String("passive", "", "`ports` of data connections, as 40000-40100; any if there are none")
	public := flag.String("public-ip", "", "the `address` by which clients reach us, if it is translated")
	flag.BoolVar(&config.RequireTLS, "tls-required", false, "let nobody log in, and nothing be transferred, in clear")
	flag.BoolVar(&config.RequireReuse, "tls-reuse", false, "have data connections resume the TLS session of the control connection")
	flag.DurationVar(&config.IdleTimeout, "idle", 5*time.Minute, "how long a client may be silent; -1ns: for ever")
	flag.IntVar(&limit.Total, "connections", 1000, "most clients, and as many again with -listen-tls; 0: any number")
	flag.IntVar(&limit.PerPeer, "host", 50, "most clients from one host; 0: any number")
	cert.Register()
	flag.Parse()
	err := given()
	var users ftp.Users
	if err == nil {
		users, err = logins(&files, *user, *password, *anonymous)
	}
	if err == nil {
		config.TLS, err = cert.Config()
	}
	if err == nil {
		err = errors.Join(check(*listen, *listenTLS, config), passive(&config, *ports), reachable(&config, *public))
	}
	if err != nil {
		log.Print(err)
		os.Exit(2) // as for a flag that there is not
	}
	if *user != "" && *listen != "" && !config.RequireTLS {
		log.Print("passwords may be sent in clear: -tls-required forbids it")
	}
	if err := serve(*listen, *listenTLS, *reactors, loops, config, users, &limit); err != nil {
		log.Fatal(err)
	}
}

// given finds out early what makes no sense by itself.
func given() error {
	return errors.Join(program.NoArgs(), program.Counts("reactors", "connections", "host", "quota"), program.Limits("idle", "drain"),
		program.Need("user", "password"))
}

// logins says who may do what.
func logins(files *ftp.Root, user, password string, anonymous bool) (ftp.Users, error) {
	if password == "" {
		password = os.Getenv("TORSION_PASSWORD")
	}
	switch {
	case files.Dir == "":
		return nil, errors.New("which folder? -root")
	case user == "" && !anonymous:
		return nil, errors.New("who may log in? -user, -anonymous")
	case user != "" && password == "":
		return nil, errors.New("-user needs a password: -password, or TORSION_PASSWORD")
	case user == "anonymous" && anonymous:
		return nil, errors.New("-user anonymous needs its password, and -anonymous lets anybody in by that name: one of them")
	}
	users := ftp.Users{}
	if anonymous {
		users["anonymous"] = ftp.User{AnyPassword: true, Account: ftp.Account{Files: files}}
	}
	if user != "" {
		users[user] = ftp.User{Password: password, Account: ftp.Account{Files: files, Allow: ftp.ReadWrite}}
	}
	return users, files.OpenDir()
}

// check finds out early what would not do.
func check(plain, overTLS string, c ftp.Config) error {
	switch {
	case plain == "" && overTLS == "":
		return errors.New("nowhere to listen: -listen or -listen-tls")
	case (overTLS != "" || c.RequireTLS || c.RequireReuse) && c.TLS == nil:
		return errors.New("-listen-tls, -tls-required and -tls-reuse need -tls-cert or -tls-self-signed")
	}
	return nil
}

// passive says which ports data connections have.
func passive(c *ftp.Config, s string) error {
	if s == "" {
		return nil
	}
	from, to, _ := strings.Cut(s, "-")
	low, err := strconv.ParseUint(from, 10, 16)
	high, err2 := strconv.ParseUint(to, 10, 16)
	if err != nil || err2 != nil || low < 1024 || low > high {
		return fmt.Errorf("-passive: %q are not two ports from 1024 on, as 40000-40100", s)
	}
	c.PassiveMin, c.PassiveMax = uint16(low), uint16(high)
	return nil
}

// reachable says by which address.
func reachable(c *ftp.Config, s string) error {
	if s == "" {
		return nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Unmap().Is4() {
		return fmt.Errorf("-public-ip: %q is no IPv4 address, and no other can be told", s)
	}
	c.PublicAddr = func(net.Addr) netip.Addr { return a }
	return nil
}

// serve ends after SIGINT or SIGTERM, when transfers under way are done, or are cut because
// the time for that is up. A second signal ends the program at once. What was cut may leave
// files .torsion-*, which the uploads of later days remove.
func serve(plain, overTLS string, reactors int, loops reactor.Config, c ftp.Config, users ftp.Users, limit *factory.Limit) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	pool, err := reactor.NewPool(reactors, loops)
	if err != nil {
		return err
	}
	program.TellEnd(pool, loops.DrainTimeout)
	listen := func(addr string, c ftp.Config) {
		if addr == "" || err != nil {
			return
		}
		limit := &factory.Limit{Total: limit.Total, PerPeer: limit.PerPeer, Overflow: c.Busy()}
		f := func(n factory.Network) factory.Factory {
			c.Network = n // data connections live on the loop of their session
			return limit.Around(c.New(users))
		}
		var p factory.Port
		if p, err = pool.Listen("tcp", addr, f); err == nil {
			fmt.Println("listening on", p.Addr())
		}
	}
	listen(plain, c)
	c.ImplicitTLS = true
	listen(overTLS, c)
	if err != nil {
		return err
	}
	return pool.Run(ctx)
}
