package telnet_test

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/telnet"
	"github.com/torsion-go/torsion/protocoltest"
)

// A hearer is a session that only listens, and pauses where it is told.
type hearer struct{ session }

func (h *hearer) LineReceived(l []byte) {
	h.note("%q", l)
	if strings.HasPrefix(string(l), "p") {
		h.PauseReading()
	}
}

// play sends pieces to a hearer and resumes it until it has heard all.
func play(pieces ...string) (heard, answers string) {
	h := &hearer{}
	all := []telnet.Option{telnet.Binary, telnet.SGA, 201}
	c := telnet.Config{Grant: all, Accept: all, MaxSubnegotiation: 50}
	tr := protocoltest.Connect(c.New(line.Config{AcceptLF: true}.New(h)))
	for _, p := range pieces {
		tr.Receive(p)
	}
	for n := -1; n != len(h.log); {
		n = len(h.log)
		tr.Do(h.ResumeReading)
	}
	return strings.Join(h.log, ", "), tr.Take()
}

var negotiation = regexp.MustCompile(`(?s)\xff[\xfb-\xfe]`)

// Whole, byte by byte and cut at random, the same is heard and answered, and no
// more is negotiated than the peer asks for.
func FuzzTelnet(f *testing.F) {
	for _, s := range []string{
		"one\r\ntwo\r\x00p\n\xff\xfd\x06three\xff\xff\r\n",
		"\xff\xfb\x1fp\n\xff\xfa\x1f\x00P\x00\x18\xff\xf0p\r\nx\xff\xf4\r\n",
		"\xff\xfb\x18\xff\xfa\x18\x00xterm\xff\xf0\xff\xfc\x18\xff\xfb\x18",
		"\xff\xfd\x00\xff\xfb\x00a\r\x00b\n\xff\xfe\x00\xff\xfc\x00a\r\x00",
		"\xff\xfb\xc9\xff\xfa\xc9" + strings.Repeat("x", 60) + "\xff\xf0\xff\xfa\xc9y\xff\xff\xff\xf1\xff\xf6",
		"\xff\n\xff\xf0\xff\xfa\xff\xf0\xff\xfd\xff\xff\xfb\xff",
	} {
		f.Add(s, uint64(1))
	}
	f.Fuzz(func(t *testing.T, in string, seed uint64) {
		if len(in) > 1<<10 {
			return
		}
		heard, answers := play(in)
		h, a := play(cut(in, 1, seed)...)
		require.Equal(t, heard, h, "byte by byte")
		require.Equal(t, answers, a, "byte by byte")
		h, a = play(cut(in, 12, seed)...)
		require.Equal(t, heard, h, "at random")
		require.Equal(t, answers, a, "at random")
		asked := strings.Count(in, "\xff")
		require.LessOrEqual(t, len(negotiation.FindAllString(answers, -1)), asked)
		require.LessOrEqual(t, len(answers), 9*asked)
	})
}

// cut divides in into pieces of at most size bytes.
func cut(in string, size int, seed uint64) (pieces []string) {
	r := rand.New(rand.NewPCG(seed, 0))
	for in != "" {
		n := 1 + r.IntN(min(len(in), size))
		pieces, in = append(pieces, in[:n]), in[n:]
	}
	return pieces
}
