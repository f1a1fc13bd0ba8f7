package chat

import (
	"strconv"
	"strings"
)

// verbs are the commands, with the names that other servers have for them.
var verbs = map[string]func(m *Member, arg string){
	"NAME":  (*Member).nameCommand,
	"NICK":  (*Member).nameCommand,
	"WHO":   (*Member).whoCommand,
	"NAMES": (*Member).whoCommand,
	"MSG":   (*Member).msgCommand,
	"ME":    (*Member).meCommand,
	"HELP":  (*Member).helpCommand,
	"EXIT":  (*Member).exitCommand,
	"QUIT":  (*Member).exitCommand,
}

var help = []string{
	"/NAME [new name]     change your name (or /NICK)",
	"/WHO                 see who is here (or /NAMES)",
	"/MSG [name] [text]   tell somebody alone",
	"/ME [text]           do instead of say",
	"/EXIT                quit (or /QUIT)",
	"//[text]             say what begins with a slash",
}

// command does what a line says that began with a slash, which is cut off.
func (m *Member) command(line string) {
	name, arg, _ := strings.Cut(line, " ")
	verb, ok := verbs[strings.ToUpper(name)]
	if !ok {
		m.tell("There is no such command. Send '/HELP' for those there are.")
		return
	}
	verb(m, strings.TrimSpace(arg))
}

func (m *Member) nameCommand(arg string) {
	if arg == "" {
		m.tell("Your name is ", m.name, ". Send '/NAME [new name]' to change it.")
		return
	}
	m.rename(arg)
}

// namesPerLine and maxNames bound the answer to /WHO in a crowd.
const (
	namesPerLine = 8
	maxNames     = 400
)

func (m *Member) whoCommand(string) {
	names := m.corner.room.Names()
	m.tell("In the room: ", strconv.Itoa(len(names)))
	more := len(names) - maxNames
	names = names[:min(len(names), maxNames)]
	for len(names) > 0 {
		n := min(len(names), namesPerLine)
		m.tell("  ", strings.Join(names[:n], ", "))
		names = names[n:]
	}
	if more > 0 {
		m.tell("  and ", strconv.Itoa(more), " more")
	}
}

func (m *Member) msgCommand(arg string) {
	name, text, _ := strings.Cut(arg, " ")
	text = strings.TrimSpace(text)
	if text == "" {
		m.tell("Send '/MSG [name] [text]' to tell somebody alone.")
		return
	}
	to, called := m.corner.room.roll.find(name)
	if to == nil {
		m.tell("Nobody here has that name.")
		return
	}
	m.corner.tell(to, m.name, " tells you: ", text)
	m.tell("You told ", called, ": ", text)
}

func (m *Member) meCommand(arg string) {
	if arg == "" {
		m.tell("Send '/ME [text]' to do something.")
		return
	}
	m.corner.shard.Send([]byte("* "), []byte(m.name), []byte(" "), []byte(arg), crlf)
}

func (m *Member) helpCommand(string) {
	for _, line := range help {
		m.tell(line)
	}
}

func (m *Member) exitCommand(string) { m.Leave() }
