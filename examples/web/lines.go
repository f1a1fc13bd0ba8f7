package main

import (
	"net"
	"strings"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/group"
	"github.com/torsion-go/torsion/protocols/line"
)

// A watcher is one connection of a person. Everything in it runs on the loop, where
// the table is at hand.
type watcher struct {
	line.Base
	table *table
	place *group.Member
}

func (t *table) BuildProtocol(net.Addr) protocol.Protocol {
	return line.Config{AcceptLF: true}.New(&watcher{table: t})
}

const usage = "Say 'set KEY VALUE', 'del KEY' or 'quit'."

func (w *watcher) ConnectionMade(c *line.Conn) {
	for _, key := range w.table.keys() {
		w.SendLine(w.table.show(key))
	}
	w.SendLine(usage)
	w.place = w.table.watchers.Join(c)
}

func (w *watcher) LineReceived(l []byte) {
	verb, rest, _ := strings.Cut(string(l), " ")
	key, value, _ := strings.Cut(rest, " ")
	var err error
	switch verb {
	case "set":
		err = w.table.set(key, value)
	case "del":
		err = w.table.remove(key)
	case "quit":
		w.LoseConnection()
	default:
		w.SendLine(usage)
	}
	if err != nil {
		w.SendLine("No: " + err.Error() + ".")
	}
}

func (w *watcher) ConnectionLost(error) { w.place.Leave() }
