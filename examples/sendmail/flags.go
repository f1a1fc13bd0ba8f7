package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/torsion-go/torsion/examples/internal/certificate"
	"github.com/torsion-go/torsion/protocols/smtp"
)

// parse reads the flags, and tells what is wrong with them.
func parse(args []string, c *smtp.ClientConfig, m *smtp.Mail) error {
	f := flags(c, m)
	if err := f.Parse(args); err != nil {
		return err // which it has told
	}
	given := make(map[string]bool)
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })
	unix := strings.Contains(c.Addr, "/") || strings.HasPrefix(c.Addr, "@")
	_, _, err := net.SplitHostPort(c.Addr)
	switch {
	case err != nil && !unix:
		err = fmt.Errorf("-connect: %w", err)
	case given["tls"] && given["starttls"]:
		err = errors.New("either -tls or -starttls")
	case f.NArg() > 0:
		err = fmt.Errorf("what is %q?", f.Arg(0))
	case len(m.To) == 0:
		err = errors.New("there must be a -to for each recipient")
	case c.User != "" && c.Password == "":
		err = errors.New("-user needs a password: -password, or TORSION_PASSWORD")
	default:
		return nil
	}
	fmt.Fprintln(os.Stderr, err)
	return err
}

// flags returns the flags that say where and how a message goes, and whom to.
func flags(c *smtp.ClientConfig, m *smtp.Mail) *flag.FlagSet {
	f := flag.NewFlagSet("sendmail", flag.ContinueOnError)
	f.StringVar(&c.Addr, "connect", "127.0.0.1:2525", "`address` of the server: host:port, or the path of a Unix socket")
	f.StringVar(&m.From, "from", "", "`address` that hears of failures; if it is empty nobody does")
	f.Func("to", "`address` of a recipient (repeatable)", func(s string) error {
		m.To = append(m.To, s)
		return nil
	})
	f.Func("starttls", "`when` to use TLS, which begins by STARTTLS:\n"+
		"required: always (the default, but for a Unix socket)\n"+
		"opportunistic: where it works, with whoever answers\n"+
		"none: never", func(s string) error { return startTLS(&c.Security, s) })
	f.BoolFunc("tls", "use TLS from the start, as on port 465, instead of STARTTLS", func(string) error {
		c.Security = smtp.TLSImplicit
		return nil
	})
	f.Func("tls-ca", "trust servers with a certificate of these in a PEM `file` only", func(s string) (err error) {
		c.TLS, err = certificate.Trusting(s)
		return err
	})
	f.StringVar(&c.User, "user", "", "log in by this `name`")
	f.StringVar(&c.Password, "password", os.Getenv("TORSION_PASSWORD"), "the `password` of -user; TORSION_PASSWORD is better, for ps does not show it")
	f.Lookup("password").DefValue = "" // which help shows
	f.BoolVar(&c.AllowInsecureAuth, "insecure-auth", false, "log in also where somebody may listen, or be the server")
	f.BoolVar(&c.LMTP, "lmtp", false, "speak LMTP")
	f.StringVar(&c.LocalName, "name", "", "`domain` of this host; its address if empty")
	return f
}

func startTLS(s *smtp.Security, when string) error {
	switch when {
	case "required":
		*s = smtp.TLSRequired
	case "opportunistic":
		*s = smtp.TLSOpportunistic
	case "none":
		*s = smtp.TLSNever
	default:
		return errors.New("it is required, opportunistic or none")
	}
	return nil
}
