package ftp

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testNow is when the tests are.
var testNow = time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)

// shelf is a Memory with files of these names, empty, and folders if they end in a slash.
func shelf(t testing.TB, names ...string) *Memory {
	t.Helper()
	m := &Memory{Now: func() time.Time { return testNow }}
	for _, name := range names {
		if dir, ok := strings.CutSuffix(name, "/"); ok {
			require.NoError(t, m.Mkdir(dir))
			continue
		}
		u, err := m.Create(name, false)
		require.NoError(t, err)
		require.NoError(t, u.Commit())
	}
	return m
}

// listed is all that a listing sends.
func listed(t testing.TB, f Files, name string, line lineFormat) string {
	t.Helper()
	l, err := look(f, name)
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, l.send(f, line, func(lines []byte) error {
		_, err := b.Write(lines)
		return err
	}))
	return b.String()
}

// An entry describes what may be in a file system.
type entry struct {
	name string
	size int64
	mode fs.FileMode
	at   time.Time
}

func (e entry) Name() string       { return e.name }
func (e entry) Size() int64        { return e.size }
func (e entry) Mode() fs.FileMode  { return e.mode }
func (e entry) ModTime() time.Time { return e.at }
func (e entry) IsDir() bool        { return e.mode.IsDir() }
func (e entry) Sys() any           { return nil }

// LIST shows what ls -l does: the time of the last half year, the year otherwise.
func TestListLinesLookLikeLs(t *testing.T) {
	line := lsLines(testNow, "", "")
	for want, e := range map[string]entry{
		"-rw-r--r--   1 ftp      ftp              1234 Nov 27 09:59 a b.txt": {"a b.txt", 1234, 0o644, testNow.Add(-time.Minute)},
		"-rw-r--r--   1 ftp      ftp                 0 Nov 27 10:00 now":     {"now", 0, 0o644, testNow},
		"-rwx------   1 ftp      ftp                 0 Nov 27  2026 future":  {"future", 0, 0o700, testNow.Add(time.Minute)},
		"drwxr-xr-x   1 ftp      ftp                 0 Jun  1 10:00 dir":     {"dir", 4096, fs.ModeDir | 0o755, time.Date(2026, 6, 1, 10, 0, 0, 0, time.UTC)},
		"-r--r--r--   1 ftp      ftp      123456789012 May  1  2026 old":     {"old", 123456789012, 0o444, time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)},
		"lrwxrwxrwx   1 ftp      ftp                 0 Jan  1  1970 link":    {"link", 9, fs.ModeSymlink | 0o777, time.Unix(0, 0)},
		"prw-------   1 ftp      ftp                 0 Jan  1  0000 pipe":    {"pipe", 0, fs.ModeNamedPipe | 0o600, time.Unix(-1e15, 0)},
		"crw-rw-rw-   1 ftp      ftp                 0 Dec 31  9999 null":    {"null", 0, fs.ModeDevice | fs.ModeCharDevice | 0o666, time.Unix(1e15, 0)},
		"-rw-r--r--   1 ftp      ftp                 0 Nov 27 09:30 zone":    {"zone", -1, 0o644, time.Date(2026, 11, 27, 4, 0, 0, 0, time.FixedZone("", -5.5*3600))},
	} {
		assert.Equal(t, want+"\r\n", string(line(nil, e)))
	}
	line = lsLines(testNow, "the owner", "staff\r\n")
	assert.Equal(t, "-rw-r--r--   1 the_owner staff__             1 Nov 27 10:00 x\r\n", string(line(nil, entry{"x", 1, 0o644, testNow})))
}

// A name stands for a folder, a file, or what a pattern fits; a file that is called like
// a pattern is itself.
func TestLookFindsWhatIsMeant(t *testing.T) {
	m := shelf(t, "/a.txt", "/b.txt", "/c.bin", "/.hidden.txt", "/[x].txt", "/d/", "/d/a.txt", "/e/")
	for name, want := range map[string]string{
		"/": ".hidden.txt [x].txt a.txt b.txt c.bin d e", "/d": "a.txt", "/e": "",
		"/a.txt": "a.txt", "/[x].txt": "[x].txt",
		"/*.txt": "[x].txt a.txt b.txt", "/?.txt": "a.txt b.txt", "/[ab].*": "a.txt b.txt", "/.*": ".hidden.txt",
		"/d/*": "a.txt", "/e/*": "", "/*": "[x].txt a.txt b.txt c.bin d e", `/\[*`: "[x].txt",
	} {
		assert.Equal(t, want, strings.Join(strings.Fields(listed(t, m, name, nameLines(""))), " "), name)
	}
	for _, name := range []string{"/x", "/x/*", "/a.txt/*", "/[", "/[]a]", "/a[", `/*\`, "/" + strings.Repeat("*", 256)} {
		_, err := look(m, name)
		assert.ErrorIs(t, err, fs.ErrNotExist, name)
	}
	_, err := look(m, "d")
	assert.ErrorIs(t, err, fs.ErrInvalid)
	assert.Equal(t, "sub/a.txt\r\n", listed(t, m, "/d/*", nameLines("sub/")))
}

// A name that would break the lines is left out.
func TestListLeavesOutWhatBreaksLines(t *testing.T) {
	m := shelf(t, "/ok", "/a\nb", "/a\rb", "/a\x00b", "/\r\n")
	assert.Equal(t, "ok\r\n", listed(t, m, "/", nameLines("")))
}

// A long listing comes in chunks of whole lines; the first that cannot be sent ends it.
func TestListComesInChunks(t *testing.T) {
	m := &Memory{Now: func() time.Time { return testNow }}
	for i := range 3000 {
		require.NoError(t, m.Mkdir(fmt.Sprintf("/%05d", i)))
	}
	l, err := look(m, "/")
	require.NoError(t, err)
	var chunks, lines int
	require.NoError(t, l.send(m, lsLines(testNow, "", ""), func(b []byte) error {
		assert.LessOrEqual(t, len(b), listChunk+100)
		assert.Equal(t, "\r\n", string(b[len(b)-2:]))
		chunks++
		lines += strings.Count(string(b), "\r\n")
		return nil
	}))
	assert.Equal(t, 3000, lines)
	assert.Greater(t, chunks, 3)
	broken, calls := errors.New("broken"), 0
	assert.ErrorIs(t, l.send(m, lsLines(testNow, "", ""), func([]byte) error { calls++; return broken }), broken)
	assert.Equal(t, 1, calls)
}

// A folder that is removed meanwhile is an error, and no empty listing.
func TestListTellsErrors(t *testing.T) {
	m := shelf(t, "/d/")
	l, err := look(m, "/d")
	require.NoError(t, err)
	require.NoError(t, m.RemoveDir("/d"))
	err = l.send(m, nameLines(""), func([]byte) error { return nil })
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

// Options of ls are taken away, and -l is heeded.
func TestListArgsTakesOptions(t *testing.T) {
	for arg, want := range map[string]struct {
		long bool
		name string
	}{
		"": {}, "x": {name: "x"}, "my file": {name: "my file"}, "-": {name: "-"}, "a -l": {name: "a -l"},
		"-a": {}, "-l": {long: true}, "-la": {long: true}, "-al /pub": {true, "/pub"}, "-a -l x y": {true, "x y"},
		"-R": {}, "-1": {}, "-aL x": {name: "x"}, "-l  x": {true, "x"}, "-- -l": {name: "-l"}, "-l --": {long: true},
		"-l -- -a": {true, "-a"}, "./-l": {name: "./-l"}, "-l.txt": {name: "-l.txt"}, "-*": {name: "-*"}, "-é": {name: "-é"},
	} {
		long, name := listArgs(arg)
		assert.Equal(t, want.long, long, arg)
		assert.Equal(t, want.name, name, arg)
	}
}

// anLsLine is what clients look for.
var anLsLine = regexp.MustCompile(`(?s)\A([-dlpsbc])[-r][-w][-x][-r][-w][-x][-r][-w][-x] +1 (\S+) +(\S+) +(\d+) ` +
	`(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d ( \d{4}|\d\d:\d\d) (.+)\r\n\z`)

// Whatever is in a folder, each line is one line that can be read, and has the name.
func FuzzListLines(f *testing.F) {
	f.Add("a.txt", int64(5), uint32(0o644), int64(1e9), "ftp", "ftp")
	f.Add(" ", int64(-1), uint32(fs.ModeDir), int64(-1e15), "", "a b")
	f.Add("\xff;type=dir; x", int64(1<<62), uint32(fs.ModeSymlink), int64(1<<40), "\r\n", "\x00")
	f.Fuzz(func(t *testing.T, name string, size int64, mode uint32, at int64, owner, group string) {
		e := entry{name, size, fs.FileMode(mode), time.Unix(at, 0)}
		if !(listing{}).lists(name) {
			return
		}
		for _, line := range []lineFormat{nameLines(""), lsLines(testNow, owner, group), factLines(allFacts, ReadWrite)} {
			text := string(line([]byte("before"), e))
			require.True(t, strings.HasPrefix(text, "before"))
			require.True(t, strings.HasSuffix(text, name+"\r\n"))
			require.Equal(t, 1, strings.Count(text, "\n"))
			require.Equal(t, 1, strings.Count(text, "\r"))
		}
		fields := anLsLine.FindStringSubmatch(string(lsLines(testNow, owner, group)(nil, e)))
		require.NotNil(t, fields)
		require.Equal(t, name, fields[7])
		require.Equal(t, e.IsDir(), fields[1] == "d")
	})
}

// Whatever is asked for, look answers, lists only what is there, and finds each file by
// its own name.
func FuzzLook(f *testing.F) {
	m := shelf(f, "/a.txt", "/b", "/.c", "/d/", "/d/e.txt", "/[x]", "/-l")
	for _, seed := range []string{"/", "/*", "/d/*.txt", "-la /d", "/[", `/\*`, "/[^a]*", "-l", "/./-l"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		_, name := listArgs(arg)
		assert.True(t, strings.HasSuffix(arg, name))
		name = path.Join("/", name)
		l, err := look(m, name)
		if err != nil {
			assert.ErrorIs(t, err, fs.ErrNotExist)
			return
		}
		prefix := l.dir + "/"
		if l.file != nil {
			prefix = path.Dir(name) + "/"
		}
		for line := range strings.Lines(listed(t, m, name, nameLines(prefix))) {
			_, err := m.Stat(path.Clean(strings.TrimSuffix(line, "\r\n")))
			assert.NoError(t, err)
		}
	})
}
