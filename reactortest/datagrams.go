package reactortest

import (
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
)

var datagrams = []law{
	{"StartComesFirstAndStopLast", startAndStop},
	{"DatagramsStayWhole", stayWhole},
	{"AnswersFindTheSender", answers},
	{"ConnectedPortHearsItsPeerOnly", peerOnly},
	{"WordsOfOneTurnKeepTheirOrder", orderKept},
	{"PauseLosesNothingThatCame", pauseKeeps},
	{"LoseConnectionInsideEndsDelivery", loseInside},
	{"CloseInsideEndsDelivery", closeInside},
	{"LoseConnectionSendsFirst", loseSends},
	{"CloseFreesTheAddress", portFreed},
	{"PanicLeavesThePortAlone", panicOfPost},
	{"PanicInStartEndsThePort", panicInStart},
	{"RefusalIsToldToTheConnected", refusalTold},
	{"WrongWritesFailAtOnce", wrongWrites},
	{"QueueIsBounded", queueBounded},
	{"CutDatagramsAreTold", cutTold},
	{"TimersDieWithThePort", portTimers},
	{"WrongNamesAreClearErrors", wrongNames},
	{"ShutdownStopsPorts", shutdownStops},
	{"FloodLeavesOthersTheirTurns", flood},
	{"BroadcastIsAllowedOnDemand", broadcasts},
	{"GroupsReachTheirMembers", groups},
}

// Start, data, stop, and each in its turn; Write after the end is net.ErrClosed.
func startAndStop(w *world) {
	w.makeForDatagrams()
	p := w.echoPost()
	w.bind(p)
	w.run()
	wait(w, p.started)
	w.on(func() { p.LoseConnection(); p.LoseConnection() })
	assert.Equal(w, protocol.ErrConnectionDone, wait(w, p.stopped))
	w.on(func() {
		_, err := p.Write(nil)
		assert.Error(w, err)
		p.LoseConnection()
		p.PauseReading()
		p.ResumeReading()
		assert.Zero(w, p.Buffered())
		assert.NotNil(w, p.LocalAddr())
		assert.Nil(w, p.RemoteAddr())
	})
}

// A datagram is neither joined with another nor cut, and may be empty.
func stayWhole(w *world) {
	w.start()
	server, client := w.post(), w.post()
	w.call(w.bind(server), client)
	said := []string{"", "one", strings.Repeat("x", 9000), "", "four"}
	client.say(said...)
	assert.Equal(w, said, server.has(len(said)))
}

// Both know each other by their addresses.
func answers(w *world) {
	w.start()
	server, client := w.echoPost(), w.post()
	port := w.call(w.bind(server), client)
	if port.Addr().String() == "" {
		w.Skip("a client without a name here")
	}
	client.say("Hey!")
	assert.Equal(w, []string{"Hey!"}, client.has(1))
	w.on(func() {
		assert.Equal(w, server.LocalAddr().String(), client.RemoteAddr().String())
		assert.Equal(w, port.Addr(), client.LocalAddr())
	})
}

// What others send to it does not arrive.
func peerOnly(w *world) {
	w.start()
	server, client, stranger := w.echoPost(), w.post(), w.post()
	to := w.bind(server)
	port := w.call(to, client)
	if port.Addr().String() == "" {
		w.Skip("a client without a name here")
	}
	w.bind(stranger)
	wait(w, stranger.started)
	w.on(func() {
		if u, ok := port.Addr().(*net.UDPAddr); ok {
			_, err := stranger.WriteTo([]byte("psst"), u.AddrPort())
			assert.NoError(w, err)
			_, err = client.WriteTo([]byte("psst"), addrOf(to)) // its own
			assert.NoError(w, err)
			_, err = client.WriteTo([]byte("psst"), stranger.LocalAddr().(*net.UDPAddr).AddrPort())
			assert.ErrorIs(w, err, net.ErrWriteToConnected)
		} else {
			u, _ := protocol.As[protocol.UnixDatagramTransport](stranger.DatagramTransport)
			_, err := u.WriteToPath([]byte("psst"), port.Addr().String()) // EPERM follows
			assert.NoError(w, err)
			u, _ = protocol.As[protocol.UnixDatagramTransport](client.DatagramTransport)
			_, err = u.WriteToPath([]byte("psst"), stranger.LocalAddr().String())
			assert.ErrorIs(w, err, net.ErrWriteToConnected)
			client.Write([]byte("psst"))
		}
	})
	client.say("over")
	assert.Equal(w, []string{"psst", "over"}, client.has(2))
}

// What a turn writes, and what is written in answer to it, keeps its order.
func orderKept(w *world) {
	w.start()
	server, client := w.echoPost(), w.post()
	port := w.call(w.bind(server), client)
	if port.Addr().String() == "" {
		w.Skip("a client without a name here")
	}
	var said []string
	for i := range 50 {
		said = append(said, fmt.Sprint(i))
	}
	client.say(said...)
	assert.Equal(w, said, client.has(50))
}

// Of what came together the rest is kept while reading pauses, also when it
// pauses at each, and comes in order.
func pauseKeeps(w *world) {
	w.makeForDatagrams()
	server, client := w.post(), w.post()
	server.onData = func([]byte, sender) {
		server.PauseReading()
		server.AfterFunc(time.Millisecond, server.ResumeReading)
	}
	client.onStart = func() {
		for i := range 8 {
			client.Write([]byte{byte('a' + i)})
		}
	}
	w.call(w.bind(server), client)
	w.run()
	assert.Equal(w, strings.Split("abcdefgh", ""), server.has(8))
}

// LoseConnection within an event: no further datagram of those that came together.
func loseInside(w *world) {
	server := w.post()
	w.endInside(server, func(factory.Port) { server.LoseConnection() })
}

// So does Close of the port, and the answer that was written before still leaves.
func closeInside(w *world) {
	server := w.post()
	w.endInside(server, func(p factory.Port) { assert.NoError(w, p.Close()) })
}

func (w *world) endInside(server *post, end func(p factory.Port)) {
	w.makeForDatagrams()
	client := w.post()
	port := w.bind(server)
	server.onData = func(data []byte, from sender) {
		if w.datagramNetwork() != "unixgram" || from.path != "" {
			server.answer(data, from)
		}
		end(port)
		server.PauseReading()
		server.ResumeReading()
	}
	client.onStart = func() {
		for range 8 {
			client.Write([]byte("x"))
		}
	}
	called := w.call(port, client)
	w.run()
	assert.Equal(w, protocol.ErrConnectionDone, wait(w, server.stopped))
	w.on(func() { assert.Len(w, server.input, 1) })
	if called.Addr().String() != "" {
		assert.Equal(w, []string{"x"}, client.has(1))
	}
}

// What was written before LoseConnection arrives.
func loseSends(w *world) {
	w.start()
	server, client := w.post(), w.post()
	client.onStart = func() {
		for range 5 {
			client.Write([]byte("last words"))
		}
		client.LoseConnection()
		_, err := client.Write([]byte("more"))
		assert.ErrorIs(w, err, net.ErrClosed)
	}
	w.call(w.bind(server), client)
	assert.Equal(w, protocol.ErrConnectionDone, wait(w, client.stopped))
	assert.Len(w, server.has(5), 5)
}

// When Close has returned the address can be bound again, and StopProtocol has
// been told; Close twice is no harm, nor before the reactor runs.
func portFreed(w *world) {
	w.makeForDatagrams()
	early := w.post()
	port := w.bind(early)
	require.NoError(w, port.Close())
	w.run()
	for range 3 {
		p := w.post()
		again, err := w.datagrams().ListenDatagram(w.datagramNetwork(), port.Addr().String(), p)
		require.NoError(w, err)
		wait(w, p.started)
		closed := make(chan error, 1)
		go func() { closed <- again.Close() }()
		require.NoError(w, wait(w, closed))
		assert.Len(w, p.stopped, 1)
		assert.NoError(w, again.Close())
	}
	w.on(func() { assert.Nil(w, early.DatagramTransport) })
}

// A panic in DatagramReceived, a timer or ErrorReceived ends nothing.
func panicOfPost(w *world) {
	w.start()
	server, client := w.post(), w.post()
	server.onData = func(data []byte, _ sender) {
		server.AfterFunc(0, func() { panic(errOfUser) })
		panic(errOfUser)
	}
	w.call(w.bind(server), client)
	client.say("one", "two", "three")
	assert.Len(w, server.has(3), 3)
	client.say("four")
	assert.Len(w, server.has(4), 4)
}

// A port whose protocol cannot start is closed.
func panicInStart(w *world) {
	w.start()
	p := w.post()
	p.onStart = func() { panic(errOfUser) }
	w.bind(p)
	var failed *protocol.PanicError
	if assert.ErrorAs(w, wait(w, p.stopped), &failed) {
		assert.Equal(w, errOfUser, failed.Value)
	}
}

// Who sends to nobody is told so, and the port lives; a port without a peer is not.
func refusalTold(w *world) {
	w.start()
	gone, server, client := w.post(), w.echoPost(), w.post()
	port := w.bind(gone)
	w.call(port, client)
	wait(w, client.started)
	closed := make(chan error, 1)
	go func() { closed <- port.Close() }()
	require.NoError(w, wait(w, closed))
	client.say("is anybody there?")
	err := client.hasError()
	var op *net.OpError
	require.ErrorAs(w, err, &op)
	assert.Equal(w, port.Addr().String(), op.Addr.String())
	if w.datagramNetwork() == "unixgram" {
		return // its own words for it: ECONNREFUSED, ENOTCONN, ECONNRESET
	}
	assert.ErrorIs(w, err, syscall.ECONNREFUSED)
	w.bind(server)
	wait(w, server.started)
	w.on(func() { server.WriteTo([]byte("x"), addrOf(port)) })
	again, err := w.datagrams().ListenDatagram(w.datagramNetwork(), port.Addr().String(), server.w.echoPost())
	require.NoError(w, err)
	defer again.Close()
	client.say("now?")
	assert.Equal(w, []string{"now?"}, client.has(1))
	w.on(func() { assert.Empty(w, server.errs) })
}
