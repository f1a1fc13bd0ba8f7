package smtp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/torsion-go/torsion/protocol"
)

// queueTries is how many servers are looked at for one message, and how many addresses are
// tried.
const queueTries = 10

// queueLosses is how many may lose the message once they have heard of it; then it waits.
const queueLosses = 3

var (
	errNullMX  = refusal(556, EnhancedCode{5, 1, 10}, "the domain takes no mail (null MX)")
	errNoHost  = refusal(550, EnhancedCode{5, 1, 2}, "no such domain")
	errNoRoute = refusal(550, EnhancedCode{5, 4, 4}, "the domain's mail servers have no addresses")
	errLoop    = refusal(554, EnhancedCode{5, 4, 6}, "mail for the domain should come here, says the DNS, and is none of ours")
)

// servers are the names of those that take mail for a domain, the best first (RFC 5321,
// section 5.1), or its address literal.
func (q *Queue) servers(ctx context.Context, destination string) ([]string, error) {
	if destination == "" {
		return nil, errNoHost
	}
	if destination[0] == '[' {
		return []string{destination}, nil
	}
	records, err := q.Resolver.LookupMX(ctx, destination+".")
	switch {
	case len(records) > 0: // the error is of others
	case err != nil && !notFound(err):
		return nil, lookupFailed(err)
	default:
		records = []*net.MX{{Host: destination}} // the implicit MX
	}
	if len(records) == 1 && records[0].Host == "." { // RFC 7505
		return nil, errNullMX
	}
	return q.sort(records)
}

// sort puts them in order, with those of the same preference in any, and without us and
// whoever is no better.
func (q *Queue) sort(records []*net.MX) (hosts []string, err error) {
	records = slices.Clone(records)
	rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	slices.SortStableFunc(records, func(a, b *net.MX) int { return int(a.Pref) - int(b.Pref) })
	for _, r := range records {
		if q.isUs(r.Host) {
			records = slices.DeleteFunc(records, func(o *net.MX) bool { return o.Pref >= r.Pref })
			break
		}
	}
	for _, r := range records {
		if host := strings.TrimSuffix(r.Host, "."); host != "" {
			hosts = append(hosts, host)
		}
	}
	if len(hosts) == 0 {
		return nil, errLoop
	}
	return hosts[:min(len(hosts), queueTries)], nil
}

func (q *Queue) isUs(host string) bool {
	host = strings.TrimSuffix(host, ".")
	is := func(name string) bool { return strings.EqualFold(strings.TrimSuffix(name, "."), host) }
	return is(q.domain()) || slices.ContainsFunc(q.Aliases, is)
}

// addresses are those of a server, with the port. None of this host is among them, and
// if there are no others that is the error.
func (q *Queue) addresses(ctx context.Context, host string) (addrs []string, err error) {
	found := []string{strings.Trim(host, "[]")}
	if host[0] != '[' {
		if found, err = q.Resolver.LookupHost(ctx, host+"."); err != nil && !notFound(err) {
			return nil, lookupFailed(err)
		}
	}
	port := q.Port
	if port == 0 {
		port = 25
	}
	err = errNoRoute
	for _, text := range found {
		ip, bad := netip.ParseAddr(text)
		switch ip = ip.Unmap(); {
		case bad != nil:
		case !q.AllowLoopback && ip.IsLoopback(), ip.IsUnspecified(), ip.IsMulticast():
			err = errLoop
		default:
			addrs = append(addrs, net.JoinHostPort(ip.String(), strconv.Itoa(int(port))))
		}
	}
	if len(addrs) > 0 {
		err = nil
	}
	return addrs, err
}

func notFound(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}

// lookupFailed is a DNS that does not know now. Which one that is is nothing for senders.
func lookupFailed(err error) error {
	if errors.Is(err, protocol.ErrStopped) || errors.Is(err, context.Canceled) {
		return err
	}
	text := fmt.Sprint(err)
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		text = fmt.Sprintf("lookup %s: %s", e.Name, e.Err)
	}
	return refusal(451, EnhancedCode{4, 4, 3}, text)
}
