package interop

import (
	"slices"
	"strings"
	"testing"
)

// A fileOrder is what an FTP client is to do. Those in Python get it as JSON.
type fileOrder struct {
	Host, Port, TLSPort string
	CA                  string // file of the certificate that is to be trusted
	User, Password      string
	TLS                 string // "", "explicit" or "implicit"
	Active, ASCII       bool

	Do    string // list, get, put, get rest, put rest, rename, delete, mkdir, rmdir, mirror or mirror back
	Name  string // at the server
	To    string // of rename
	Local string // file or folder here
}

// A ferry has a client of somebody else do what is ordered, and returns whether that
// says that it did, and all that it says.
type ferry struct {
	name   string
	need   func(t *testing.T)
	run    func(t *testing.T, o fileOrder) (done bool, said string)
	cannot string // names of errands, and of what is to be done in others, that this client has no way to do
	crlf   bool   // it leaves the lines of a text as they come
}

// cannotDo reports whether the client has no way to do it.
func (f ferry) cannotDo(what string) bool {
	return slices.Contains(strings.Split(f.cannot, ", "), what)
}

// A fileErrand is what is to be done with a server, and how one sees that it was.
type fileErrand struct {
	name   string
	how    func(o *fileOrder)
	server func(t *testing.T) []string // flags of the server's
	run    func(j *journey)
}

var fileErrands = []fileErrand{
	{name: "list", run: (*journey).lists},
	{name: "get", run: func(j *journey) { j.gets("a.txt", "hello\n") }},
	{name: "put", run: func(j *journey) { j.puts("a.txt", "hello\n") }},
	{name: "put over", run: (*journey).replaces},
	{name: "get 10 MB", run: func(j *journey) { j.gets("a.bin", babble(10_000_000)) }},
	{name: "put 10 MB", run: func(j *journey) { j.puts("a.bin", babble(10_000_000)) }},
	{name: "get empty", run: func(j *journey) { j.gets("empty", "") }},
	{name: "put empty", run: func(j *journey) { j.puts("empty", "") }},
	{name: "get rest", run: (*journey).getsRest},
	{name: "put rest", run: (*journey).putsRest},
	{name: "get text", how: inText, run: (*journey).getsText},
	{name: "put text", how: inText, run: (*journey).putsText},
	{name: "rename", run: (*journey).renames},
	{name: "delete", run: (*journey).deletes},
	{name: "mkdir", run: (*journey).makes},
	{name: "rmdir", run: (*journey).unmakes},
	{name: "spaces", run: func(j *journey) { j.carries(" two  words .txt", "the folder/two words") }},
	{name: "UTF-8", run: func(j *journey) { j.carries("Łódź 日本語.txt", "grün/ñ") }},
	{name: "hyphen", run: func(j *journey) { j.carries("-rf", "--help") }},
	{name: "quotes", run: func(j *journey) { j.carries(`"a" 'b'.txt`, `c"`) }},
	{name: "signs", run: func(j *journey) { j.carries("100%25 #1;x&y=$z!", "a+b@c,d") }},
	{name: "active", how: func(o *fileOrder) { o.Active = true }, server: noPassive, run: (*journey).all},
	{name: "explicit TLS", how: overTLS("explicit"), server: only("-tls-required"), run: (*journey).all},
	{name: "implicit TLS", how: overTLS("implicit"), server: only("-tls-required"), run: (*journey).all},
	{name: "TLS resumed", how: overTLS("explicit"), server: only("-tls-required", "-tls-reuse"), run: (*journey).all},
	{name: "active TLS", how: func(o *fileOrder) { o.TLS, o.Active = "explicit", true }, server: noPassive, run: (*journey).all},
	{name: "not trusted", how: overTLS("explicit"), run: (*journey).distrusts},
	{name: "wrong password", how: func(o *fileOrder) { o.Password = "wrong" }, run: (*journey).isNobody},
	{name: "not there", run: (*journey).misses},
	{name: "denied", how: func(o *fileOrder) { o.User, o.Password = "anonymous", "me@client.test" }, run: (*journey).isDenied},
	{name: "no room", server: only("-quota", "1000000"), run: (*journey).findsNoRoom},
	{name: "no room TLS", how: overTLS("explicit"), server: only("-quota", "1000000"), run: (*journey).findsNoRoom},
	{name: "mirror", run: (*journey).mirrors},
	{name: "mirror back", run: (*journey).mirrorsBack},
}

func inText(o *fileOrder) { o.ASCII = true }

func overTLS(kind string) func(o *fileOrder) { return func(o *fileOrder) { o.TLS = kind } }

func only(flags ...string) func(t *testing.T) []string {
	return func(*testing.T) []string { return flags }
}

// noPassive is a server whose clients have to be active: its only port is taken.
func noPassive(t *testing.T) []string {
	port := takenPort(t)
	return []string{"-passive", port + "-" + port}
}

// Whatever others do with files happens, byte for byte, and if it is refused they know
// why. README.md has the table.
func TestFTP(t *testing.T) {
	for _, f := range ferries {
		t.Run(f.name, func(t *testing.T) {
			f.need(t)
			for _, e := range fileErrands {
				if !f.cannotDo(e.name) {
					t.Run(e.name, func(t *testing.T) { e.run(setOut(t, f, e)) })
				}
			}
		})
	}
}

// README.md has a table of who does what.
func TestFTPTable(t *testing.T) {
	var columns, rows []string
	for _, f := range ferries {
		columns = append(columns, f.name)
	}
	for _, e := range fileErrands {
		rows = append(rows, e.name)
	}
	checkTable(t, columns, rows, func(column, row int) bool { return !ferries[column].cannotDo(rows[row]) })
}
