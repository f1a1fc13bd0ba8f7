package telnet

import (
	"net"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

// Config tunes the layer. The zero value negotiates nothing unless the session
// asks for it, and agrees to nothing but what the session hears of: NAWS if it is
// a [WindowWatcher], TTYPE if it is a [TerminalWatcher].
type Config struct {
	// Offer are options that we would do, and say so (WILL) when the connection
	// is made; Ask are those that the peer is asked to do (DO). Whoever connects
	// with nc gets these bytes too.
	Offer, Ask []Option

	// Grant are options that we do if the peer asks for them (DO), Accept those
	// that the peer may do if it offers to (WILL). Who grants SGA to the client
	// of a person makes it send each key at once.
	Grant, Accept []Option

	// MaxSubnegotiation is the length of the longest subnegotiation in bytes,
	// without its option; 1 KiB if zero. Longer ones are ignored. One that has
	// not ended 64 KiB later never will, and what follows is text again.
	MaxSubnegotiation int

	// BareCR hands up CR NUL as CR, which is what it means to a client. Without
	// it, it is the Enter key and handed up as CR LF.
	BareCR bool
}

func (c *Config) maxSubnegotiation() int {
	if c.MaxSubnegotiation == 0 {
		return 1 << 10
	}
	return c.MaxSubnegotiation
}

// Wrap returns f with telnet below each of its connections.
func (c Config) Wrap(f factory.Factory) factory.Factory {
	return factory.Around(f, func(p protocol.Protocol, _ net.Addr) protocol.Protocol { return stack(&c, p) })
}

// New returns p with telnet below it.
func (c Config) New(p protocol.Protocol) protocol.Protocol { return stack(&c, p) }

// A WindowWatcher is a session that wants to know the size of the peer's window.
type WindowWatcher interface {
	// WindowResized is told the size in characters whenever the peer says so; 0
	// is unknown.
	WindowResized(width, height int)
}

// A TerminalWatcher is a session that wants to know the peer's terminal.
type TerminalWatcher interface {
	// TerminalNamed is told the name of the terminal when the peer answers: at
	// most 40 printable ASCII characters, such as "xterm-256color".
	TerminalNamed(name string)
}

// A CommandReceiver is a session that hears commands, such as Interrupt.
type CommandReceiver interface {
	// CommandReceived is told of each command that stands on its own. An
	// AreYouThere has been answered already. Behind the Interrupt of a client's
	// interrupt key follows the DataMark of its Synch.
	CommandReceived(c Command)
}

// An OptionWatcher is a session that is told when options come into use.
type OptionWatcher interface {
	// OptionChanged says that we (ours) or the peer now do or no longer do
	// something.
	OptionChanged(o Option, ours, on bool)
}

// A SubnegotiationReceiver is a session that negotiates details by itself.
type SubnegotiationReceiver interface {
	// SubnegotiationReceived hands over the details of an option that is in use
	// on either side. They are lent. Those that a WindowWatcher or
	// TerminalWatcher hears do not come here as well.
	SubnegotiationReceived(o Option, data []byte)
}
