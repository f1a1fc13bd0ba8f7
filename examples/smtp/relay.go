package main

import (
	"errors"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/torsion-go/torsion/protocols/smtp"
	"github.com/torsion-go/torsion/reactor"
)

// A relay passes on what is for elsewhere. It does nothing without an addr.
type relay struct{ addr, folder string }

func (o relay) check(l *smtp.Local) error {
	switch {
	case o.addr == "" && o.folder == "":
		return nil
	case o.addr == "":
		return errors.New("-queue needs -relay: there is nobody else to send to")
	case l.Authenticate == nil:
		return errors.New("-relay needs -user: it is for nobody else")
	case len(l.Domains) == 0:
		return errors.New("-relay needs -domain: without one nothing is elsewhere")
	case o.folder == "":
		return errors.New("-relay needs -queue")
	}
	return nil
}

// start begins to send, and returns what ends that. SIGUSR1 has all tried at once that waits.
func (o relay) start(r *reactor.Reactor, l *smtp.Local, name string) (stop func() error, err error) {
	if o.addr == "" {
		return func() error { return nil }, nil
	}
	queue := &smtp.Queue{
		Dir: o.folder, Domain: name, Bounces: l,
		Smarthost: smtp.ClientConfig{Addr: o.addr, Security: smtp.TLSOpportunistic},
	}
	l.Outgoing = queue
	now := make(chan os.Signal, 1)
	signal.Notify(now, syscall.SIGUSR1)
	go func() {
		for range now {
			log.Print("trying all mail that waits; messages: ", queue.Stats().Messages)
			queue.Flush()
		}
	}()
	stop = func() error {
		signal.Stop(now)
		close(now)
		return queue.Close()
	}
	return stop, queue.Start(r)
}
