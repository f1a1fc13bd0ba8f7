package interop

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A journey is an errand of one client.
type journey struct {
	*testing.T
	ferry
	*depot
	fileOrder
	here string // the client's folder
}

func setOut(t *testing.T, f ferry, e fileErrand) *journey {
	t.Helper()
	var flags []string
	if e.server != nil {
		flags = e.server(t)
	}
	j := &journey{T: t, ferry: f, depot: openDepot(t, flags...), here: t.TempDir()}
	j.fileOrder = j.depot.order()
	if e.how != nil {
		e.how(&j.fileOrder)
	}
	return j
}

// tells has the client do something, and returns what it says.
func (j *journey) tells(do, name, to, local string) (done bool, said string) {
	j.Helper()
	o := j.fileOrder
	o.Do, o.Name, o.To, o.Local = do, name, to, filepath.Join(j.here, local)
	return j.ferry.run(j.T, o)
}

// does is tells if all goes well.
func (j *journey) does(do, name, to, local string) (said string) {
	j.Helper()
	done, said := j.tells(do, name, to, local)
	require.True(j, done, "%s %s: %s", do, name, said)
	return said
}

// has checks what is at the server.
func (j *journey) has(tree map[string]string) {
	j.Helper()
	same(j.T, tree, harvest(j.T, j.dir))
}

// same is assert.Equal for what is too large to be shown.
func same(t *testing.T, want, got map[string]string) {
	t.Helper()
	for name, text := range want {
		have, found := got[name]
		assert.True(t, found, "%q is missing", name)
		assert.True(t, text == have, "%q is %d bytes: %.100q, and not %d: %.100q", name, len(have), have, len(text), text)
	}
	for name := range got {
		assert.Contains(t, want, name)
	}
}

func (j *journey) lists() {
	plant(j.T, j.dir, map[string]string{"a.txt": "x", "folder/b.txt": "y", ".hidden": "z"})
	said := j.does("list", "", "", "")
	for _, name := range []string{"a.txt", "folder", ".hidden"} {
		assert.Contains(j, said, name)
	}
	assert.Contains(j, j.does("list", "folder", "", ""), "b.txt")
}

// gets fetches a file that is there.
func (j *journey) gets(name, text string) {
	j.Helper()
	plant(j.T, j.dir, map[string]string{name: text})
	j.does("get", name, "", "got")
	same(j.T, map[string]string{"got": text}, harvest(j.T, j.here))
}

// puts brings one that is not.
func (j *journey) puts(name, text string) {
	j.Helper()
	plant(j.T, j.here, map[string]string{"mine": text})
	j.does("put", name, "", "mine")
	j.has(map[string]string{name: text})
}

func (j *journey) replaces() {
	plant(j.T, j.dir, map[string]string{"a.txt": "the old text is longer"})
	j.puts("a.txt", "hello\n")
}

func (j *journey) getsRest() {
	text := babble(1_000_000)
	plant(j.T, j.dir, map[string]string{"a.bin": text})
	plant(j.T, j.here, map[string]string{"got": text[:400_000]})
	j.does("get rest", "a.bin", "", "got")
	same(j.T, map[string]string{"got": text}, harvest(j.T, j.here))
}

func (j *journey) putsRest() {
	text := babble(1_000_000)
	plant(j.T, j.dir, map[string]string{"a.bin": text[:400_000]})
	plant(j.T, j.here, map[string]string{"mine": text})
	j.does("put rest", "a.bin", "", "mine")
	j.has(map[string]string{"a.bin": text})
}

// asText reports whether the client says that it has moved a text, which is what a
// server expects that is not told otherwise.
func asText(said string) bool {
	return strings.Contains(said, "TYPE A") || !strings.Contains(said, "TYPE I\n")
}

const poem = "one\n\ntwo\nthree\n"

func (j *journey) getsText() {
	plant(j.T, j.dir, map[string]string{"a.txt": poem})
	said := j.does("get", "a.txt", "", "got")
	assert.True(j, asText(said), "%s", said)
	want := poem
	if j.crlf {
		want = strings.ReplaceAll(poem, "\n", "\r\n")
	}
	same(j.T, map[string]string{"got": want}, harvest(j.T, j.here))
}

func (j *journey) putsText() {
	plant(j.T, j.here, map[string]string{"mine": poem})
	said := j.does("put", "a.txt", "", "mine")
	assert.True(j, asText(said), "%s", said)
	j.has(map[string]string{"a.txt": poem})
}

func (j *journey) renames() {
	plant(j.T, j.dir, map[string]string{"a.txt": "x", "folder/": ""})
	j.does("rename", "a.txt", "folder/b.txt", "")
	j.has(map[string]string{"folder/b.txt": "x"})
}

func (j *journey) deletes() {
	plant(j.T, j.dir, map[string]string{"a.txt": "x", "b.txt": "y"})
	j.does("delete", "a.txt", "", "")
	j.has(map[string]string{"b.txt": "y"})
}

func (j *journey) makes() {
	j.does("mkdir", "new folder", "", "")
	j.has(map[string]string{"new folder/": ""})
}

func (j *journey) unmakes() {
	plant(j.T, j.dir, map[string]string{"old/": "", "b.txt": "y"})
	j.does("rmdir", "old", "", "")
	j.has(map[string]string{"b.txt": "y"})
}

// carries takes files with such names there, if the client can, and back.
func (j *journey) carries(names ...string) {
	all := make(map[string]string)
	for _, name := range names {
		all[name] = "this is " + name
		plant(j.T, j.here, map[string]string{"mine": all[name]})
		if j.cannotDo("put") {
			plant(j.T, j.dir, map[string]string{name: all[name]})
		} else {
			require.NoError(j, os.MkdirAll(filepath.Dir(filepath.Join(j.dir, name)), 0o755))
			j.does("put", name, "", "mine")
		}
		j.does("get", name, "", "got")
		same(j.T, map[string]string{"mine": all[name], "got": all[name]}, harvest(j.T, j.here))
		require.NoError(j, os.Remove(filepath.Join(j.here, "got")))
	}
	j.has(all)
}

// all is what needs data connections.
func (j *journey) all() {
	j.carries("a.txt")
	if !j.cannotDo("list") {
		assert.Contains(j, j.does("list", "", "", ""), "a.txt")
	}
}

// distrusts is a client that takes our certificate for another's.
func (j *journey) distrusts() {
	plant(j.T, j.dir, map[string]string{"a.txt": "x"})
	j.CA = identify(j.T, "localhost").certFile
	done, said := j.tells("get", "a.txt", "", "got")
	assert.False(j, done, "%s", said)
	assert.Contains(j, strings.ToLower(said), "certificate")
	assert.NotContains(j, said, "230 ")
}

func (j *journey) isNobody() {
	plant(j.T, j.dir, map[string]string{"a.txt": "x"})
	done, said := j.tells("get", "a.txt", "", "got")
	assert.False(j, done, "%s", said)
	assert.Contains(j, said, "530")
}

func (j *journey) misses() {
	done, said := j.tells("get", "folder/a.txt", "", "got")
	assert.False(j, done, "%s", said)
	assert.Contains(j, said, "550")
}

func (j *journey) isDenied() {
	plant(j.T, j.dir, map[string]string{"there.txt": "x"})
	j.does("get", "there.txt", "", "got")
	done, said := j.tells("put", "a.txt", "", "got")
	assert.False(j, done, "%s", said)
	assert.Contains(j, said, "550")
	done, said = j.tells("put", "there.txt", "", "got")
	assert.False(j, done, "%s", said)
	j.has(map[string]string{"there.txt": "x"})
}

// findsNoRoom puts more than the server takes, which refuses it amidst: the client still
// has most of it to send then. What was there stays.
func (j *journey) findsNoRoom() {
	plant(j.T, j.here, map[string]string{"large": babble(10_000_000), "small": "hello"})
	plant(j.T, j.dir, map[string]string{"there.txt": "x"})
	for _, name := range []string{"a.txt", "there.txt"} {
		done, said := j.tells("put", name, "", "large")
		assert.False(j, done, "%s", said)
		assert.Contains(j, said, "552")
		j.has(map[string]string{"there.txt": "x"})
	}
	j.does("put", "there.txt", "", "small")
	j.has(map[string]string{"there.txt": "hello"})
}

// forest is a tree that has some of everything.
func forest() map[string]string {
	tree := map[string]string{"a.txt": "x\n", "empty": "", "two words/Łódź.txt": "y", "deep/er/than/that.bin": babble(300_000), ".hidden": "z"}
	for _, name := range strings.Fields("0 1 2 3 4 5 6 7 8 9") {
		tree["many/"+name] = babble(20_000 + int(name[0]))
	}
	return tree
}

func (j *journey) mirrors() {
	plant(j.T, filepath.Join(j.dir, "tree"), forest())
	j.does("mirror", "tree", "", "tree")
	same(j.T, forest(), harvest(j.T, filepath.Join(j.here, "tree")))
}

func (j *journey) mirrorsBack() {
	plant(j.T, filepath.Join(j.here, "tree"), forest())
	j.does("mirror back", "tree", "", "tree")
	same(j.T, forest(), harvest(j.T, filepath.Join(j.dir, "tree")))
}

// babble is n bytes of any kind, always the same ones.
func babble(n int) string {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(b)
	return string(b)
}
