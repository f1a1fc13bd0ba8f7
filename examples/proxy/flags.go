package main

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocols/proxyproto"
)

// A version is one of the PROXY protocol, as a flag; 0 is none.
type version int

func (v *version) String() string {
	if *v == 0 {
		return ""
	}
	return fmt.Sprintf("v%d", *v)
}

// Set understands v1 and v2.
func (v *version) Set(s string) error {
	switch s {
	case "v1":
		*v = 1
	case "v2":
		*v = 2
	default:
		return errors.New("the versions are v1 and v2")
	}
	return nil
}

// networks are those of the proxies that are trusted, as a flag.
type networks []netip.Prefix

func (n *networks) String() string { return fmt.Sprint(*n) }

// Set adds one.
func (n *networks) Set(s string) error {
	p, err := netip.ParsePrefix(s)
	*n = append(*n, p)
	return err
}

// around returns f behind proxies, if there are any.
func (n networks) around(f factory.Factory) factory.Factory {
	if len(n) == 0 {
		return f
	}
	return proxyproto.Config{Trusted: n}.Wrap(f)
}
