package smtp_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/smtp"
)

// maildir is one that does not exist yet.
func maildir(t testing.TB) *smtp.Maildir {
	return &smtp.Maildir{Dir: filepath.Join(t.TempDir(), "mail")}
}

// byUser has a mailbox for each address.
func byUser(t testing.TB) *smtp.Maildir {
	m := maildir(t)
	m.Mailbox = func(r smtp.Recipient) string { return r.Address }
	return m
}

func to(addresses ...string) *smtp.Envelope {
	e := envelope()
	e.To = nil
	for _, a := range addresses {
		e.To = append(e.To, smtp.Recipient{Address: a})
	}
	return e
}

// files are the contents of a folder, in order. A folder that is not there is empty.
func files(t testing.TB, path ...string) (contents []string) {
	t.Helper()
	dir := filepath.Join(path...)
	entries, err := os.ReadDir(dir)
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	for _, f := range entries {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		require.NoError(t, err)
		contents = append(contents, string(b))
	}
	slices.Sort(contents)
	return contents
}

// folders are the names of those in a folder.
func folders(t testing.TB, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range entries {
		names = append(names, f.Name())
	}
	return names
}

// A message is one file in new, whole, behind its trace; tmp is empty.
func TestMaildirKeepsMessages(t *testing.T) {
	m := maildir(t)
	e := envelope()
	require.NoError(t, m.Deliver(e, strings.NewReader("Subject: x\r\n\r\none\r\n")))
	assert.Equal(t, []string{
		"Return-Path: <a@other.test>\r\nDelivered-To: b@our.test\r\n" + string(e.Received()) + "Subject: x\r\n\r\none\r\n",
	}, files(t, m.Dir, "new"))
	require.NoError(t, m.Deliver(e, strings.NewReader("")))
	assert.Len(t, files(t, m.Dir, "new"), 2)
	assert.Empty(t, files(t, m.Dir, "tmp"))
	assert.Empty(t, files(t, m.Dir, "cur"))
	assert.Equal(t, []string{"cur", "new", "tmp"}, folders(t, m.Dir))
}

// Nobody but the owner reads mail.
func TestMaildirIsPrivate(t *testing.T) {
	m := byUser(t)
	require.NoError(t, m.Deliver(envelope(), strings.NewReader("x")))
	require.NoError(t, filepath.WalkDir(m.Dir, func(_ string, d os.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		assert.Zero(t, info.Mode().Perm()&0o077, info.Name())
		return nil
	}))
}

// maildir(5): time, unique, host and size, and nothing that starts flags.
func TestMaildirFileNames(t *testing.T) {
	m := maildir(t)
	before := time.Now().Unix()
	require.NoError(t, m.Deliver(envelope(), strings.NewReader("x")))
	name := folders(t, filepath.Join(m.Dir, "new"))[0]
	assert.Regexp(t, `^\d+\.M\d{6}P\d+R[0-9a-f]{16}\.[^/:]+,S=\d+$`, name)
	var second, size int64
	_, err := fmt.Sscanf(name, "%d.", &second)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, second, before)
	_, err = fmt.Sscanf(name[strings.LastIndex(name, "=")+1:], "%d", &size)
	require.NoError(t, err)
	assert.EqualValues(t, len(files(t, m.Dir, "new")[0]), size)
}

// Recipients of one mailbox share a copy, which names each of them once.
func TestMaildirOneCopyPerMailbox(t *testing.T) {
	m := maildir(t)
	require.NoError(t, m.Deliver(to("b@our.test", "c@our.test", "b@our.test"), strings.NewReader("x")))
	got := files(t, m.Dir, "new")
	require.Len(t, got, 1)
	assert.Contains(t, got[0], "\r\nDelivered-To: b@our.test\r\nDelivered-To: c@our.test\r\nReceived:")
	assert.Equal(t, 2, strings.Count(got[0], "Delivered-To"))
}

// Recipients with mailboxes of their own are not told of each other.
func TestMaildirPerRecipient(t *testing.T) {
	m := byUser(t)
	require.NoError(t, m.Deliver(to("b@our.test", "C@our.test", "c@our.test"), strings.NewReader("text")))
	assert.Equal(t, []string{"b@our.test", "c@our.test"}, folders(t, m.Dir))
	b, c := files(t, m.Dir, "b@our.test", "new"), files(t, m.Dir, "c@our.test", "new")
	require.Len(t, b, 1)
	require.Len(t, c, 1)
	assert.Contains(t, b[0], "Delivered-To: b@our.test\r\n")
	assert.NotContains(t, b[0], "Delivered-To: c@our.test\r\n")
	assert.Contains(t, b[0], "for <b@our.test>")
	assert.Contains(t, c[0], "Delivered-To: C@our.test\r\nDelivered-To: c@our.test\r\n")
	assert.NotContains(t, c[0], "b@our.test")
	assert.NotContains(t, c[0], " for ")
	assert.True(t, strings.HasSuffix(b[0], "text") && strings.HasSuffix(c[0], "text"))
}

// hostile are names that lead elsewhere, or nowhere.
var hostile = []string{
	"", ".", "..", "...", "../x", "../../x", "/etc/x", "a/b", "a//b", "x/", `..\x`, "a\x00b", "a\nb", "~", "-rf", "a b",
	"new", "cur", "tmp", "%", "%%", "%2E", ".hidden", "trailing.", "con", "NUL.txt", "a:b", "ü", "\xff", "a@b@c", "*", "$(x)",
	strings.Repeat("long", 100), strings.Repeat("long", 100) + "er", strings.Repeat("/", 300), strings.Repeat("ü", 120),
}

// Every name is a folder of its own, in Dir and nowhere else, and finds it again.
func TestMaildirNamesStayInside(t *testing.T) {
	m := byUser(t)
	for round := range 2 {
		for _, name := range hostile {
			require.NoError(t, m.Deliver(to(name), strings.NewReader("x")), "%q", name)
		}
		got := folders(t, m.Dir)
		assert.Len(t, got, len(hostile))
		for _, f := range got {
			assert.Len(t, files(t, m.Dir, f, "new"), round+1, f)
			assert.LessOrEqual(t, len(f), 255)
		}
	}
	assert.Equal(t, []string{"mail"}, folders(t, filepath.Dir(m.Dir)))
}

// Case does not make another mailbox.
func TestMaildirIgnoresCase(t *testing.T) {
	m := byUser(t)
	require.NoError(t, m.Deliver(to("Ann@our.test"), strings.NewReader("x")))
	require.NoError(t, m.Deliver(to("ANN@OUR.test"), strings.NewReader("x")))
	assert.Equal(t, []string{"ann@our.test"}, folders(t, m.Dir))
	assert.Len(t, files(t, m.Dir, "ann@our.test", "new"), 2)
}

// A link that leads out of Dir is not followed.
func TestMaildirFollowsNoLinkOut(t *testing.T) {
	m := byUser(t)
	require.NoError(t, m.Open())
	outside := t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(m.Dir, "evil")))
	assert.Error(t, m.Deliver(to("evil"), strings.NewReader("x")))
	assert.Empty(t, folders(t, outside))
}

// It appears in all mailboxes or in none, whatever breaks, and does so later.
func TestMaildirAllOrNone(t *testing.T) {
	for _, broken := range []string{"c/new", "c/tmp", "c"} {
		m := byUser(t)
		require.NoError(t, m.Deliver(to("b"), strings.NewReader("first")))
		path := filepath.Join(m.Dir, broken)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		assert.Error(t, m.Deliver(to("b", "c", "d"), strings.NewReader("x")), broken)
		assert.Len(t, files(t, m.Dir, "b", "new"), 1, broken)
		assert.Empty(t, files(t, m.Dir, "d", "new"), broken)
		for _, who := range []string{"b", "d"} {
			assert.Empty(t, files(t, m.Dir, who, "tmp"), broken)
		}
		require.NoError(t, os.Remove(path))
		require.NoError(t, m.Deliver(to("b", "c", "d"), strings.NewReader("x")), broken)
		for _, who := range []string{"b", "c", "d"} {
			assert.NotEmpty(t, files(t, m.Dir, who, "new"), broken)
			assert.Empty(t, files(t, m.Dir, who, "tmp"), broken)
		}
	}
}

// A message that cannot be read to its end is not delivered.
func TestMaildirKeepsNoHalf(t *testing.T) {
	m := maildir(t)
	half := io.MultiReader(strings.NewReader("half"), failing{})
	err := m.Deliver(envelope(), struct {
		io.Reader
		io.Seeker
	}{half, strings.NewReader("")})
	assert.ErrorIs(t, err, errFailing)
	assert.Empty(t, files(t, m.Dir, "new"))
	assert.Empty(t, files(t, m.Dir, "tmp"))
}

// Folders that somebody removes come back, the second time at the latest.
func TestMaildirComesBack(t *testing.T) {
	for _, gone := range []string{"", "b", "b/new", "b/tmp"} {
		m := byUser(t)
		require.NoError(t, m.Deliver(to("b"), strings.NewReader("x")))
		require.NoError(t, os.RemoveAll(filepath.Join(m.Dir, gone)))
		err := m.Deliver(to("b"), strings.NewReader("y"))
		if err != nil {
			err = m.Deliver(to("b"), strings.NewReader("y"))
		}
		require.NoError(t, err, gone)
		assert.NotEmpty(t, files(t, m.Dir, "b", "new"))
	}
}

// A parent that is not there is a mistake: perhaps a disk was not mounted.
func TestMaildirMakesNoParents(t *testing.T) {
	m := &smtp.Maildir{Dir: filepath.Join(t.TempDir(), "not", "there")}
	assert.ErrorIs(t, m.Open(), os.ErrNotExist)
	assert.ErrorIs(t, m.Deliver(envelope(), strings.NewReader("x")), os.ErrNotExist)
}

// Open makes what will be needed.
func TestMaildirOpen(t *testing.T) {
	m := maildir(t)
	require.NoError(t, m.Open())
	require.NoError(t, m.Open())
	assert.Equal(t, []string{"cur", "new", "tmp"}, folders(t, m.Dir))
	m = byUser(t)
	require.NoError(t, m.Open())
	assert.Empty(t, folders(t, m.Dir))
}

// maildir(5): what lies in tmp for 36 hours was abandoned. The rest, and what is no
// file, is let alone.
func TestMaildirSweepsTmp(t *testing.T) {
	m := maildir(t)
	require.NoError(t, m.Open())
	tmp := filepath.Join(m.Dir, "tmp")
	old := time.Now().Add(-37 * time.Hour)
	for name, at := range map[string]time.Time{"old": old, "young": old.Add(2 * time.Hour)} {
		require.NoError(t, os.WriteFile(filepath.Join(tmp, name), nil, 0o600))
		require.NoError(t, os.Chtimes(filepath.Join(tmp, name), at, at))
	}
	require.NoError(t, os.Mkdir(filepath.Join(tmp, "folder"), 0o700))
	require.NoError(t, os.Chtimes(filepath.Join(tmp, "folder"), old, old))
	require.NoError(t, m.Deliver(envelope(), strings.NewReader("x")))
	assert.Equal(t, []string{"folder", "old", "young"}, folders(t, tmp), "not with every message")
	again := &smtp.Maildir{Dir: m.Dir}
	require.NoError(t, again.Deliver(envelope(), strings.NewReader("x")))
	assert.Equal(t, []string{"folder", "young"}, folders(t, tmp))
}

// Any number of goroutines deliver at once, into any mailboxes.
func TestMaildirFromManyGoroutines(t *testing.T) {
	const each, many = 5, 8
	m := byUser(t)
	var all sync.WaitGroup
	for g := range many {
		all.Go(func() {
			for n := range each {
				e := to("shared", fmt.Sprint("own", g))
				assert.NoError(t, m.Deliver(e, strings.NewReader(fmt.Sprintf("%d/%d", g, n))))
			}
		})
	}
	all.Wait()
	assert.Equal(t, each*many, len(files(t, m.Dir, "shared", "new")))
	for g := range many {
		assert.Equal(t, each, len(files(t, m.Dir, fmt.Sprint("own", g), "new")))
	}
}

// BenchmarkMaildirDeliver is about what two fsyncs cost.
func BenchmarkMaildirDeliver(b *testing.B) {
	for _, size := range []int{1 << 10, 256 << 10} {
		for _, name := range []string{"alone", "parallel"} {
			b.Run(fmt.Sprintf("%dKiB/%s", size>>10, name), func(b *testing.B) {
				m, text := maildir(b), strings.Repeat("x", size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				deliver := func() { assert.NoError(b, m.Deliver(envelope(), strings.NewReader(text))) }
				if name == "alone" {
					for b.Loop() {
						deliver()
					}
					return
				}
				b.SetParallelism(8)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						deliver()
					}
				})
			})
		}
	}
}
