package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"

	"github.com/torsion-go/torsion/examples/internal/certificate"
	"github.com/torsion-go/torsion/protocols/ftp"
)

// An order is what is to be done.
type order struct {
	verb   string
	args   []string
	resume bool
}

// verbs are what can be done, how many arguments that takes, and what they are.
var verbs = map[string]struct {
	least, most int
	args        string
	do          func(*job) error
}{
	"get":    {1, 2, "REMOTE [LOCAL]   fetch a file, also into a folder; - is the standard output", (*job).get},
	"put":    {1, 2, "LOCAL [REMOTE]   store a file; - is the standard input, and needs REMOTE", (*job).put},
	"list":   {0, 1, "[PATH]           list a folder", (*job).list},
	"mirror": {2, 2, "REMOTE LOCAL     make a folder here like one at the server", (*job).mirror},
	"upload": {2, 2, "LOCAL REMOTE     make a folder at the server like one here", (*job).upload},
}

// parse reads flags and arguments, and tells what is wrong with them.
func parse(args []string, c *ftp.ClientConfig, o *order) error {
	f := flags(c, o)
	if err := f.Parse(args); err != nil {
		return err // which it has told
	}
	var err error
	o.verb, o.args = f.Arg(0), f.Args()
	v, known := verbs[o.verb]
	if known {
		o.args = o.args[1:]
	}
	_, _, noAddr := net.SplitHostPort(c.Addr)
	switch n := len(o.args); {
	case noAddr != nil:
		err = fmt.Errorf("-connect: %w", noAddr)
	case !known:
		err = errors.New("what is to be done? get, put, list, mirror or upload")
	case n < v.least || n > v.most || o.verb == "put" && o.args[0] == "-" && n == 1:
		err = fmt.Errorf("usage: %s %s", o.verb, v.args)
	case c.User != "" && c.Password == "":
		err = errors.New("-user needs a password: -password, or TORSION_PASSWORD")
	default:
		return nil
	}
	fmt.Fprintln(os.Stderr, err)
	return err
}

// flags returns the flags that say where the server is, and how to talk to it.
func flags(c *ftp.ClientConfig, o *order) *flag.FlagSet {
	f := flag.NewFlagSet("ftpget", flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprintln(f.Output(), "usage: ftpget [flags] get | put | list | mirror | upload ...")
		for _, verb := range []string{"get", "put", "list", "mirror", "upload"} {
			fmt.Fprintf(f.Output(), "  %-6s %s\n", verb, verbs[verb].args)
		}
		f.PrintDefaults()
	}
	f.StringVar(&c.Addr, "connect", "127.0.0.1:2121", "`address` of the server: host:port")
	f.Func("tls", "`how` to use TLS:\n"+
		"explicit: begin in clear and change before the login (the default)\n"+
		"implicit: from the start, as on port 990\n"+
		"none: never", func(s string) error { return security(&c.Security, s) })
	f.Func("tls-ca", "trust servers with a certificate of these in a PEM `file` only", func(s string) (err error) {
		c.TLS, err = certificate.Trusting(s)
		return err
	})
	f.BoolVar(&c.AllowTruncation, "tls-truncation", false, "believe servers that end TLS without saying so, where a file may be cut short")
	f.StringVar(&c.User, "user", "", "log in by this `name`; as anonymous if it is empty")
	f.StringVar(&c.Password, "password", os.Getenv("TORSION_PASSWORD"), "the `password` of -user; TORSION_PASSWORD is better, for ps does not show it")
	f.Lookup("password").DefValue = "" // which help shows
	f.BoolVar(&c.AllowInsecureAuth, "insecure-auth", false, "log in also where somebody may listen, or be the server")
	f.BoolVar(&o.resume, "resume", false, "keep what was not finished, and go on there; a file must not have changed meanwhile")
	return f
}

func security(s *ftp.Security, how string) error {
	switch how {
	case "explicit":
		*s = ftp.TLSRequired
	case "implicit":
		*s = ftp.TLSImplicit
	case "none":
		*s = ftp.TLSNever
	default:
		return errors.New("it is explicit, implicit or none")
	}
	return nil
}
