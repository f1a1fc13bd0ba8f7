package ftp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// A seeker can seek, and has no length; it fails at a whence if told to.
type seeker struct {
	r      *bytes.Reader
	failAt int
}

var errSeek = errors.New("not there")

func (s *seeker) Read(p []byte) (int, error) { return s.r.Read(p) }

func (s *seeker) Seek(off int64, whence int) (int64, error) {
	if whence == s.failAt {
		return 0, errSeek
	}
	return s.r.Seek(off, whence)
}

// Who stores a file is told how large it will be, where the Reader knows how much it
// has, from where it stands.
func TestClientProgressOfStored(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	require.NoError(t, os.WriteFile(name, []byte("xx56789"), 0o600))
	onDisk, err := os.Open(name)
	require.NoError(t, err)
	defer onDisk.Close()
	device, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer device.Close()
	seeks := func(failAt int) *seeker { return &seeker{bytes.NewReader([]byte("xx56789")), failAt} }
	for what, c := range map[string]struct {
		from io.Reader
		size int64
	}{
		"Len":              {strings.NewReader("xx56789"), 10},
		"Buffer":           {bytes.NewBufferString("xx56789"), 10},
		"Seek":             {seeks(-1), 10},
		"a file":           {onDisk, 10},
		"SectionReader":    {io.NewSectionReader(strings.NewReader("xx56789"), 0, 7), 10},
		"no current place": {seeks(io.SeekCurrent), -1},
		"no end":           {seeks(io.SeekEnd), -1},
		"only Read":        {iotest.DataErrReader(strings.NewReader("xx56789")), -1},
		"a device":         {device, -1},
	} {
		t.Run(what, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *play) {
				var last ftp.Progress
				p.config.Progress = func(at ftp.Progress) { last = at }
				p.files["/a"] = file("01234")
				_, _ = io.ReadFull(c.from, make([]byte, 2)) // of which the device has none
				_, err := p.client().PutContext(context.Background(), "/a", c.from, 5)
				require.NoError(t, err)
				assert.Equal(t, c.size, last.Size)
			})
		})
	}
}

// One that adds to a file counts what is there, if the server tells.
func TestClientProgressOfAppended(t *testing.T) {
	for _, features := range [][]string{{"SIZE"}, {"MDTM"}} {
		inBubble(t, func(t *testing.T, p *play) {
			var last ftp.Progress
			p.config.Progress = func(at ftp.Progress) { last = at }
			p.features, p.files["/a"] = features, file("01234")
			_, err := p.client().AppendContext(context.Background(), "/a", strings.NewReader("56789"))
			require.NoError(t, err)
			assert.EqualValues(t, map[string]int{"SIZE": 10, "MDTM": -1}[features[0]], last.Size)
		})
	}
}

// A Reader that does not come back to where it stood would store something else.
func TestClientReaderLosesItsPlace(t *testing.T) {
	for name, f := range map[string]func(c *ftp.Client, r io.Reader) error{
		"STOR": func(c *ftp.Client, r io.Reader) error { return second(c.PutContext(context.Background(), "/a", r, 0)) },
		"APPE": func(c *ftp.Client, r io.Reader) error { return second(c.AppendContext(context.Background(), "/a", r)) },
	} {
		inBubble(t, func(t *testing.T, p *play) {
			p.config.Progress = func(ftp.Progress) {}
			p.files["/a"] = file("old")
			err := f(p.client(), &seeker{bytes.NewReader(large), io.SeekStart})
			require.ErrorIs(t, requireVerb(t, err, name), errSeek)
			assert.Equal(t, "old", p.text("/a"))
		})
	}
}
