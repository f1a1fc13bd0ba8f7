package ftp

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Facts are those of RFC 3659 section 7.5, by kind of file and by what the user may do.
func TestFactsTell(t *testing.T) {
	at := time.Date(2001, 2, 3, 4, 5, 6, 789, time.FixedZone("", 3600))
	for _, c := range []struct {
		entry
		want facts
		may  Permission
		text string
	}{
		{entry{"x", 7, 0o640, at}, allFacts, ReadWrite, "type=file;size=7;modify=20010203030506;perm=adfrw;UNIX.mode=0640; "},
		{entry{"x", 7, 0o640, at}, allFacts, ReadOnly, "type=file;size=7;modify=20010203030506;perm=r;UNIX.mode=0640; "},
		{entry{"d", 7, fs.ModeDir | 0o755, at}, allFacts, ReadWrite, "type=dir;modify=20010203030506;perm=cdeflmp;UNIX.mode=0755; "},
		{entry{"d", 7, fs.ModeDir | 0o755, at}, factPerm, ReadOnly, "perm=el; "},
		{entry{"/", 7, fs.ModeDir | 0o755, at}, factPerm, ReadWrite, "perm=celmp; "},
		{entry{"d", 7, fs.ModeDir | 0o755, at}, factPerm, List | Create, "perm=cel; "},
		{entry{"x", 7, 0o640, at}, factPerm, List | Create, "perm=; "},
		{entry{"l", 7, fs.ModeSymlink | 0o777, at}, factType | factSize | factPerm, ReadWrite, "type=OS.unix=slink;perm=df; "},
		{entry{"p", 7, fs.ModeNamedPipe, at}, factType, ReadWrite, "type=OS.unix=fifo; "},
		{entry{"s", 7, fs.ModeSocket, at}, factType, ReadWrite, "type=OS.unix=socket; "},
		{entry{"c", 7, fs.ModeDevice | fs.ModeCharDevice, at}, factType, ReadWrite, "type=OS.unix=device; "},
		{entry{"x", -1, 0o640, at}, factSize, ReadWrite, "size=0; "},
		{entry{"x", 7, 0o640, at}, 0, ReadWrite, " "},
	} {
		assert.Equal(t, c.text, string(appendFacts(nil, c.entry, c.want, c.may)))
	}
}

// OPTS MLST asks for facts in any case and order; what is unknown is left out.
func TestFactsAreSelected(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "type;": "type;", "Size;TYPE;": "type;size;", "type": "type;", "unix.mode;x;": "UNIX.mode;",
		"size;type;modify;perm;unique;UNIX.mode;UNIX.owner;": "type;size;modify;perm;unique;UNIX.mode;", ";;;": "", "type size": "",
	} {
		assert.Equal(t, want, parseFacts(text).String(), text)
	}
	assert.Equal(t, "type*;size;modify*;perm;unique;UNIX.mode;", (factType | factModify).feature())
}

// unique is one for the names of one file, and another for another.
func TestFactUniqueTellsFilesApart(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), nil, 0o644))
	require.NoError(t, os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "b")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "c"), nil, 0o644))
	for _, f := range []Files{&Root{Dir: dir}, shelf(t, "/a", "/c")} {
		id := func(name string) string {
			info, err := f.Stat(name)
			require.NoError(t, err)
			return string(appendFacts(nil, info, factUnique, ReadOnly))
		}
		assert.NotEqual(t, id("/a"), id("/c"))
		assert.Regexp(t, `^(unique=[0-9a-g]+;)? $`, id("/a"))
		if _, ok := f.(*Root); ok {
			assert.Equal(t, id("/a"), id("/b"))
		}
	}
}

// A time-val is 14 digits, with a fraction or without, and UTC.
func TestTimeValReads(t *testing.T) {
	for text, want := range map[string]time.Time{
		"20010203040506":              time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC),
		"20010203040506.5":            time.Date(2001, 2, 3, 4, 5, 6, 5e8, time.UTC),
		"20010203040506.123456789999": time.Date(2001, 2, 3, 4, 5, 6, 123456789, time.UTC),
		"20161231235960":              time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC),
		"20161231235960.25":           time.Date(2017, 1, 1, 0, 0, 0, 25e7, time.UTC),
		"20240229000000":              time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
	} {
		at, ok := parseTimeVal(text)
		assert.True(t, ok, text)
		assert.True(t, want.Equal(at), "%s is not %s", text, at)
	}
	for _, text := range []string{
		"", "2001020304050", "200102030405066", "20010203040506.", "20010203040506.x", "20010203040506,5", "20010203040506Z",
		"20011303040506", "20010003040506", "20010230040506", "20230229000000", "20010203240506", "20010203046006", "20010203040561",
		"-0010203040506", "+2001020304050", "2001 203040506", "19100010203040506", "２００１０２",
	} {
		_, ok := parseTimeVal(text)
		assert.False(t, ok, text)
	}
}

var aTimeVal = regexp.MustCompile(`\A\d{14}(\.\d+)?\z`)

// What is read is a time-val, and is written as it was, but for leap seconds and fractions.
func FuzzTimeVal(f *testing.F) {
	for _, seed := range []string{"20010203040506", "20161231235960.25", "00000101000000", "99991231235960", "20010203040506."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, ok := parseTimeVal(s)
		if !ok {
			return
		}
		require.Regexp(t, aTimeVal, s)
		again := string(appendTimeVal(nil, at))
		require.Regexp(t, aTimeVal, again)
		if !strings.HasPrefix(s[12:], "60") {
			require.Equal(t, s[:14], again)
		}
	})
}
