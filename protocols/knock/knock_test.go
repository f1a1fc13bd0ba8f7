package knock_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/knock"
	"github.com/torsion-go/torsion/protocoltest"
)

func Example() {
	server := knock.Config{Log: os.Stdout}.Server()
	client := knock.Config{}.Client()
	pump := protocoltest.NewPump(client, server)
	pump.Flush()
	fmt.Println(pump.Server.Lost())
	// Output:
	// Client: Knock knock
	// Server: Who's there?
	// Client: Disappearing client
	// Server: Disappearing client who?
	// connection done
}

func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			protocoltest.Transcript(t, factory.Each(knock.Config{}.Server), file)
		})
	}
}

// The joke is told to its end whatever the network does to the words.
func TestBothEnds(t *testing.T) {
	for n := range 25 { // 0: whole
		var log strings.Builder
		pump := protocoltest.NewPump(knock.Config{}.Client(), knock.Config{Log: &log}.Server())
		pump.MaxPiece(n)
		pump.Flush()
		assert.ErrorIs(t, pump.Client.Lost(), protocol.ErrConnectionDone)
		assert.ErrorIs(t, pump.Server.Lost(), protocol.ErrConnectionDone)
		assert.Equal(t, 4, strings.Count(log.String(), "\n"), log.String())
		assert.Zero(t, pump.Client.Timers())
	}
}

// Anything else is answered as it comes.
func TestAnythingElse(t *testing.T) {
	tr := protocoltest.Connect(knock.Config{}.Server())
	for _, said := range []string{"Orange", "Knox", "Is anybody there", "knock knock", "who?"} {
		tr.Receive(said)
		assert.Equal(t, said+" who?", tr.Take())
	}
}

// The client says the same bytes as ever and hears the server out.
func TestClient(t *testing.T) {
	for cut, pieces := range protocoltest.Cuts("Who's there?") {
		t.Run(cut, func(t *testing.T) {
			tr := protocoltest.Connect(knock.Config{}.Client())
			assert.Equal(t, "Knock knock", tr.Take())
			for _, p := range pieces {
				tr.Receive(p)
			}
			assert.Equal(t, "Disappearing client", tr.Take())
			tr.Receive("Disappearing clie")
			assert.False(t, tr.Closed())
			tr.Receive("nt who?")
			assert.True(t, tr.Closed())
			assert.Empty(t, tr.Take())
			assert.ErrorIs(t, tr.Lost(), protocol.ErrConnectionDone)
		})
	}
}

// A client does not stay with a server that does not know the joke.
func TestClientHangsUp(t *testing.T) {
	for _, said := range []string{"Go away", "Disappearing client who?", "who", "Who's"} {
		var log strings.Builder
		tr := protocoltest.Connect(knock.Config{Log: &log}.Client())
		tr.Receive(said)
		tr.Advance(knock.Patience)
		assert.True(t, tr.Closed())
		assert.Equal(t, "Client: Knock knock\nServer: "+said+"\n", log.String())
	}
}

// What a peer says reaches the log without what could fool its reader.
func TestLogIsPrintable(t *testing.T) {
	var log strings.Builder
	tr := protocoltest.Connect(knock.Config{Log: &log}.Server())
	tr.Receive("\x1b[2Jx\nServer: Who's there?\xff")
	assert.Equal(t, "Client: \ufffd[2Jx\ufffdServer: Who's there?\ufffd\n"+
		"Server: \ufffd[2Jx\ufffdServer: Who's there?\ufffd who?\n", log.String())
	assert.Equal(t, "\x1b[2Jx\nServer: Who's there?\xff who?", tr.Take(), "the peer gets its own")
}

// A doubt does not outlive the connection or a pause.
func TestDoubtWaitsForReading(t *testing.T) {
	tr := protocoltest.Connect(knock.Config{}.Server())
	tr.Receive("Knock kno")
	tr.Do(tr.PauseReading)
	tr.Advance(time.Hour)
	assert.Empty(t, tr.Take())
	tr.Do(tr.ResumeReading)
	tr.Receive("ck")
	tr.Advance(time.Hour)
	assert.Equal(t, "Who's there?", tr.Take())

	tr.Receive("Knock")
	tr.Do(tr.LoseConnection)
	tr.Advance(time.Hour)
	assert.Empty(t, tr.Take())
}

// A client that knocks without end and does not listen is not heard for long.
func TestServerIsBounded(t *testing.T) {
	tr := protocoltest.Connect(knock.Config{}.Server())
	tr.Stall(true)
	tr.Receive(strings.Repeat("Knock knock", 1<<15))
	var waiting int
	tr.Do(func() { waiting = tr.Buffered() })
	assert.Less(t, waiting, 260<<10)
	tr.Stall(false)
	n := 0
	for s := tr.Take(); s != ""; s = tr.Take() {
		n += len(s)
	}
	assert.Equal(t, len("Who's there?")<<15, n)
}

// What a layer below drops is counted and not answered.
func TestDropInput(t *testing.T) {
	p := knock.Config{}.Server()
	tr := protocoltest.Connect(p)
	tr.Receive("Knock")
	tr.Do(func() { assert.Equal(t, 5, p.(protocol.InputHolder).DropInput()) })
	tr.Advance(time.Hour)
	tr.Receive("Knock knock")
	assert.Equal(t, "Who's there?", tr.Take())
}
