package telnet

import "fmt"

// An Option is something that one side may do for the other if both want it.
type Option byte

// Options, by the names that their RFCs have for them. Others are negotiated as
// well, by their number.
const (
	Binary     Option = 0  // RFC 856: bytes are no longer text, CR means nothing
	Echo       Option = 1  // RFC 857: who does it shows what the other types
	SGA        Option = 3  // RFC 858: no Go Ahead; with Echo, each key is sent at once
	TM         Option = 6  // RFC 860: a question; the answer comes behind what was asked before
	TTYPE      Option = 24 // RFC 1091: the name of the terminal
	EOR        Option = 25 // RFC 885: the end of a record is marked
	NAWS       Option = 31 // RFC 1073: the size of the window
	Linemode   Option = 34 // RFC 1184
	NewEnviron Option = 39 // RFC 1572
	Charset    Option = 42 // RFC 2066
)

var optionNames = map[Option]string{
	Binary: "BINARY", Echo: "ECHO", SGA: "SGA", TM: "TM", TTYPE: "TTYPE", EOR: "EOR",
	NAWS: "NAWS", Linemode: "LINEMODE", NewEnviron: "NEW-ENVIRON", Charset: "CHARSET",
}

func (o Option) String() string {
	if name, ok := optionNames[o]; ok {
		return name
	}
	return fmt.Sprintf("option %d", byte(o))
}

// A Command is what stands behind an IAC, byte 255, in the stream.
type Command byte

// Commands that a peer may send on their own (RFC 854, RFC 1184, RFC 885).
const (
	EndOfFile   Command = 236
	Suspend     Command = 237
	AbortJob    Command = 238
	EndOfRecord Command = 239
	NOP         Command = 241
	DataMark    Command = 242 // the end of a Synch
	Break       Command = 243
	Interrupt   Command = 244 // IP
	AbortOutput Command = 245
	AreYouThere Command = 246
	EraseChar   Command = 247
	EraseLine   Command = 248
	GoAhead     Command = 249
)

var commandNames = map[Command]string{
	EndOfFile: "EOF", Suspend: "SUSP", AbortJob: "ABORT", EndOfRecord: "EOR", NOP: "NOP", DataMark: "DM",
	Break: "BRK", Interrupt: "IP", AbortOutput: "AO", AreYouThere: "AYT", EraseChar: "EC", EraseLine: "EL", GoAhead: "GA",
}

func (c Command) String() string {
	if name, ok := commandNames[c]; ok {
		return name
	}
	return fmt.Sprintf("command %d", byte(c))
}

// The commands that this package sends and hears itself.
const (
	se   = 240 // end of a subnegotiation
	sb   = 250 // begin of a subnegotiation
	will = 251
	wont = 252
	do   = 253
	dont = 254
	iac  = 255
)
