package smtp

import (
	"bufio"
	"bytes"
	"io"
	"net/textproto"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// normal is what a lineEnder makes of s, read as r reads it.
func normal(t testing.TB, s string, cut func(io.Reader) io.Reader) (string, survey) {
	var b bytes.Buffer
	var v survey
	n, err := io.Copy(&lineEnder{to: io.MultiWriter(&b, &v)}, onlyReader{cut(strings.NewReader(s))})
	require.NoError(t, err)
	require.EqualValues(t, len(s), n)
	return b.String(), v.done()
}

func whole(r io.Reader) io.Reader { return r }

// However a line ends, it ends in CRLF, and an empty line is none too many.
func TestLinesEndInCRLF(t *testing.T) {
	for in, out := range map[string]string{
		"":              "",
		"a":             "a",
		"a\r\nb\r\n":    "a\r\nb\r\n",
		"a\nb":          "a\r\nb",
		"a\rb":          "a\r\nb",
		"a\r\r\nb":      "a\r\n\r\nb",
		"a\n\rb":        "a\r\n\r\nb",
		"a\n\n\r\r":     "a\r\n\r\n\r\n\r\n",
		"a\n.\nb":       "a\r\n.\r\nb",
		"a\r.\rb":       "a\r\n.\r\nb",
		"a\n.\r\nb":     "a\r\n.\r\nb",
		"a\r\n.\rb":     "a\r\n.\r\nb",
		"\r\n\r\r\n\n.": "\r\n\r\n\r\n\r\n.",
	} {
		for name, cut := range map[string]func(io.Reader) io.Reader{"whole": whole, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader} {
			got, _ := normal(t, in, cut)
			assert.Equal(t, out, got, "%q by %s", in, name)
		}
	}
}

// A server is told how large a message is, and whether it is more than ASCII, in its
// header or below.
func TestSurvey(t *testing.T) {
	for in, want := range map[string]survey{
		"":                          {size: 2},
		"a: b\n\nc":                 {size: 11, inBody: true, line: 1},
		"a: b\n\nc\n":               {size: 11, inBody: true},
		"a: \u00fc\n\nc\n":          {size: 12, inBody: true, eight: true, utf8: true},
		"a: b\r\n\r\n\u00fc\r\n":    {size: 12, inBody: true, eight: true},
		"a: b\r\n\r\nc\r\n\r\n\xff": {size: 16, inBody: true, eight: true, line: 1},
		"\u00fc":                    {size: 4, eight: true, utf8: true, line: 2},
		"\n\u00fc\n":                {size: 6, eight: true, inBody: true},
		"a: b\n.\n..\n\n.":          {size: 18, inBody: true, line: 1},
	} {
		for _, cut := range []func(io.Reader) io.Reader{whole, iotest.OneByteReader} {
			_, got := normal(t, in, cut)
			assert.Equal(t, want, got, "%q", in)
		}
		_, twice := normal(t, strings.ReplaceAll(in, "\n", "\r"), whole)
		if !strings.Contains(in, "\r") {
			assert.Equal(t, want, twice, "%q", in)
		}
	}
}

// A message is surveyed from where it stands, and stands there again.
func TestSurveyStandsStill(t *testing.T) {
	r := strings.NewReader("not of the message\r\na: b\r\n")
	_, err := r.Seek(20, io.SeekStart)
	require.NoError(t, err)
	s, err := surveyed(r)
	require.NoError(t, err)
	assert.EqualValues(t, 6, s.size)
	rest, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "a: b\r\n", string(rest))
}

// Whatever a message is, no CR or LF in it stands alone, its cuts do not matter, it
// does not change twice, and a server reads it as it is: through go-smtp's dots and
// out of ours, up to its end and no further.
func FuzzBody(f *testing.F) {
	for _, s := range []string{"", ".", "..", "a\n.\n", "a\r.\r\n", "\r\r\n.\r\n", "\n.\r\n", "a\r\n.\r\nMAIL", "\x00\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, v := normal(t, s, whole)
		bare := strings.ReplaceAll(text, "\r\n", "")
		assert.NotContains(t, bare, "\r")
		assert.NotContains(t, bare, "\n")
		cut, w := normal(t, s, iotest.OneByteReader)
		assert.Equal(t, text, cut)
		assert.Equal(t, v, w)
		again, _ := normal(t, text, whole)
		assert.Equal(t, text, again)

		var sent bytes.Buffer
		b := bufio.NewWriter(&sent)
		d := textproto.NewWriter(b).DotWriter()
		_, err := io.WriteString(d, text)
		require.NoError(t, err)
		require.NoError(t, d.Close())
		var got []byte
		n, end := new(dots).feed(sent.Bytes(), func(p []byte) { got = append(got, p...) })
		assert.True(t, end)
		assert.Equal(t, sent.Len(), n)
		want := text
		if !strings.HasSuffix(text, "\r\n") {
			want += "\r\n"
		}
		assert.Equal(t, want, string(got))
		assert.EqualValues(t, len(want), v.size)
	})
}
