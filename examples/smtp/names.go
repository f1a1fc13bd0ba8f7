package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// named finds out early what is no name: no mail would ever come for it.
func named(server string, l *smtp.Local) error {
	var errs []error
	if server != "" && (!isDomain(server) || strings.ContainsFunc(server, func(r rune) bool { return r >= 0x80 })) {
		errs = append(errs, fmt.Errorf("-name: %q is no domain", server))
	}
	for _, d := range l.Domains {
		if !isDomain(d) {
			errs = append(errs, fmt.Errorf("-domain: %q is no domain", d))
		}
	}
	for _, m := range l.Mailboxes {
		_, whole := smtp.ParseAddress(m)
		_, user := smtp.ParseAddress(m + "@our.test")
		if whole != nil && user != nil {
			errs = append(errs, fmt.Errorf("-mailbox: %q is no user, and no user@domain", m))
		}
	}
	return errors.Join(errs...)
}

func isDomain(s string) bool {
	_, err := smtp.ParseAddress("postmaster@" + s)
	return err == nil
}
