package ftp

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Replies are read the same whole and byte by byte, are bounded, and say again what
// they were.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{"220 hi\r\n", "220-a\r\nb\n220 c\r\n", "220", "220\n", "99 x\n", "211-a\n b\n211-c\n220 d\n211 \n", "220-\x00\xff\n220 x\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := readAnswer(bufio.NewReaderSize(strings.NewReader(s), maxAnswerLine))
		r2, err2 := readAnswer(bufio.NewReaderSize(iotest.OneByteReader(strings.NewReader(s)), maxAnswerLine))
		require.Equal(t, r, r2)
		require.Equal(t, err, err2)
		if err != nil {
			require.True(t, errors.Is(err, ErrProtocol) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF), err)
			return
		}
		require.LessOrEqual(t, len(strings.Join(r.lines, "")), maxAnswer)
		if again, err := readAnswer(bufio.NewReader(strings.NewReader(string(r.format())))); len(s) < 1000 {
			require.NoError(t, err)
			require.Equal(t, r.text(), again.text())
			require.Equal(t, r.code, again.code)
		}
	})
}

// Whatever stands in a listing, what is made of it may be used, nothing is lost, and
// it is bounded.
func FuzzListing(f *testing.F) {
	f.Add("type=file;size=1; a\r\n")
	f.Add("-rw-r--r-- 1 a a 12 Jan  2  2006 ../x\n")
	f.Add("total 1\n \n\n;\n= \n; \n")
	f.Fuzz(func(t *testing.T, s string) {
		in := &lines{max: 10, from: strings.NewReader(s)}
		if _, err := io.Copy(io.Discard, in); err != nil {
			require.ErrorIs(t, err, ErrProtocol)
		}
		require.LessOrEqual(t, len(in.all), 10)
		var l Listing
		for _, line := range in.all {
			e, known := readFacts(line)
			l.add(e, known, line)
		}
		assert.LessOrEqual(t, len(l.Entries)+len(l.Unusable), len(in.all))
		for _, e := range l.Entries {
			assert.False(t, e.Name == "" || e.Name == "." || e.Name == ".." || strings.ContainsAny(e.Name, "/\x00\r\n"), e.Name)
			assert.GreaterOrEqual(t, e.Size, int64(-1))
		}
	})
}
