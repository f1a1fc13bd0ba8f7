package smtp

import (
	"bufio"
	"errors"
	"io"
	"net/textproto"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func readOne(r io.Reader) (answer, error) {
	return readAnswer(bufio.NewReaderSize(r, maxAnswerLine+2))
}

// A line and a reply may be of so many bytes, and not of one more.
func TestAnswerBounds(t *testing.T) {
	line := func(n int) string { return "250-" + strings.Repeat("x", n-len("250-\r\n")) + "\r\n" }
	_, err := readOne(strings.NewReader(line(maxAnswerLine+2) + "250 x\r\n"))
	assert.NoError(t, err)
	_, err = readOne(strings.NewReader(line(maxAnswerLine+3) + "250 x\r\n"))
	assert.ErrorIs(t, err, ErrProtocol)
	lines := strings.Repeat(line(1024), maxAnswer/1024-1)
	_, err = readOne(strings.NewReader(lines + line(1017) + "250 x\r\n"))
	assert.NoError(t, err)
	_, err = readOne(strings.NewReader(lines + line(1018) + "250 x\r\n"))
	assert.ErrorIs(t, err, ErrProtocol)
}

// Whatever a server says is a reply or an error that was declared, however it is cut,
// of a bounded size, fit to be printed, and understood by go-smtp as it was here.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{"220 a\r\n", "250-a\r\n250 b\r\n", "250\n", "250-\n250\n", "250-a\r\n550 b\r\n", "199 x\r\n", "5.1", "\xff", "550 5.1.1 \x1b\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := readOne(strings.NewReader(s))
		cut, errCut := readOne(iotest.OneByteReader(strings.NewReader(s)))
		assert.Equal(t, r, cut)
		assert.Equal(t, err, errCut)
		if err != nil {
			assert.True(t, errors.Is(err, ErrProtocol) || err == io.EOF || err == io.ErrUnexpectedEOF, err)
			return
		}
		assert.LessOrEqual(t, len(r.format()), 2*len(s)+2, "at most a space and a CR more in each line")
		assert.True(t, utf8.ValidString(r.text()))
		assert.NotContains(t, r.text(), "\x1b")
		code, text, err := textproto.NewReader(bufio.NewReader(strings.NewReader(string(r.format())))).ReadResponse(r.code)
		require.NoError(t, err)
		assert.Equal(t, r.code, code)
		var kept []string // textproto takes white space from the end of lines
		for _, line := range r.lines {
			kept = append(kept, strings.TrimRight(line, " \t"))
		}
		var got []string
		for line := range strings.SplitSeq(text, "\n") {
			got = append(got, strings.TrimRight(line, " \t"))
		}
		assert.Equal(t, kept, got)
		assert.NotNil(t, r.err())
	})
}
