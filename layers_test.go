package torsion_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/torsion-go/torsion"

// mayImport says which folders of this module a folder may import, with
// everything below them. The longest row that fits a folder holds, and every
// folder with Go files needs one. What every test may import besides is in
// forTests.
var mayImport = map[string]string{
	".": "",

	// L0: what everything stands on.
	"clock":    "",
	"internal": "",
	"protocol": "clock",

	// L1: one engine over a Kernel, and the test kits that drive it.
	"factory":         "protocol clock",
	"deferred":        "protocol clock internal/stand",
	"internal/loop":   "protocol factory clock internal",
	"internal/memnet": "protocol factory clock internal",
	"protocoltest":    "protocol factory clock internal",

	// L2: protocols, and net.Conn over them. No row names the reactor, so none knows
	// sockets.
	"protocols/internal":        "protocol",
	"protocols/internal/serial": "protocol clock deferred protocols/secure",
	"protocols/netstring":       "protocol factory clock protocols/internal",
	"protocols/intn":            "protocol factory clock protocols/internal",
	"protocols/telnet":          "protocol factory clock",
	"protocols/line":            "protocol factory clock",
	"protocols/secure":          "protocol factory clock internal/stand",
	"protocols/group":           "protocol factory clock",
	"protocols/wire":            "protocol factory clock protocols/line",
	"protocols/knock":           "protocol factory clock protocols/line",
	"protocols/chat":            "protocol factory clock protocols/line protocols/telnet protocols/group",
	"protocols/proxyproto":      "protocol factory clock",
	"protocols/portforward":     "protocol factory clock protocols/proxyproto",
	"protocols/smtp":            "protocol factory clock deferred netconn protocols/line protocols/secure protocols/internal",
	"protocols/ftp":             "protocol factory clock deferred netconn protocols/line protocols/telnet protocols/secure protocols/internal",
	"netconn":                   "protocol factory clock",

	// L3: what drives them.
	"reactor":     "protocol factory clock internal",
	"reactortest": "protocol factory clock internal protocoltest",

	// L5: programs.
	"examples": "protocol factory clock deferred netconn protocols reactor examples/internal",
}

// forTests is what the tests of any folder may import besides: factories, the
// kits, a framing to put on top of a layer, layers to put below everything,
// coroutines, and what asks more of the machine than sockets.
const forTests = "factory deferred protocoltest reactortest protocols/line protocols/secure protocols/telnet protocols/proxyproto internal/hosttest"

// overSockets are folders whose tests use a reactor over real sockets, too.
const overSockets = "netconn protocols/group protocols/chat protocols/smtp protocols/ftp"

// foreign says which files may import a module of others.
var foreign = map[string]string{
	"github.com/panjf2000/gnet":      "reactor/poll*.go",
	"golang.org/x/sys":               "internal/*/*.go reactor/*.go",
	"golang.org/x/text":              "protocols/chat/*.go",
	"golang.org/x/time":              "factory/throttle.go",
	"github.com/jlaffaye/ftp":        "protocols/ftp/*.go",
	"github.com/stretchr/testify":    "protocoltest/*.go reactortest/*.go internal/hosttest/*.go examples/internal/programtest/*.go", // and every test
	"github.com/pires/go-proxyproto": "protocols/proxyproto/*.go",
	"github.com/emersion":            "protocols/smtp/*.go examples/*/*.go",
}

// Nobody imports what the rows of mayImport and foreign do not allow.
func TestLayers(t *testing.T) {
	for _, file := range goFiles(t) {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			assert.True(t, mayUse(file, path), "%s may not import %s (or its folder has no row)", file, path)
		}
	}
}

// The rules above do forbid something.
func TestLayersRefuse(t *testing.T) {
	for file, path := range map[string]string{
		"protocols/line/line.go":           module + "/reactor",
		"protocols/knock/knock.go":         module + "/protocols/chat",
		"protocols/chat/room.go":           module + "/protocoltest",
		"clock/clock.go":                   module + "/protocol",
		"internal/socket/socket.go":        module + "/protocol",
		"reactor/reactor.go":               "github.com/panjf2000/gnet/v2/pkg/netpoll",
		"protocols/line/other.go":          "golang.org/x/sys/unix",
		"protocols/knock/server.go":        "github.com/stretchr/testify/assert",
		"unheard/of.go":                    "fmt",
		"protocols/unheard/of.go":          "fmt",
		"examples/chat/main.go":            "example.com/anything",
		"protocols/line/line_test.go":      module + "/reactor",
		"netconn/conn.go":                  module + "/reactor",
		"reactor/internal/deep/poll.go":    "github.com/panjf2000/gnet/v2/pkg/netpoll",
		"factory/limit.go":                 module,
		"protocolsmore/beside_protocol.go": module + "/protocol",
	} {
		assert.False(t, mayUse(file, path), "%s importing %s", file, path)
	}
}

// opensSockets are the names of package net with which a program reaches the
// network by itself.
var opensSockets = regexp.MustCompile(`^(Dial|Listen($|[^e])|File(Conn|Listener)|Lookup(Host|IP)|(Default)?Resolver)`)

// socketFolders may do so: the reactor, the calls it makes, and programs.
const socketFolders = "reactor internal/socket examples"

// Only reactors open sockets: what stands below them is handed connections.
func TestNoSockets(t *testing.T) {
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") || allows(socketFolders, filepath.Dir(file)) {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				pkg, _ := s.X.(*ast.Ident)
				assert.False(t, pkg != nil && pkg.Name == "net" && opensSockets.MatchString(s.Sel.Name),
					"%s uses net.%s", file, s.Sel.Name)
			}
			return true
		})
	}
}

// mayUse reports whether the file may import the package path.
func mayUse(file, path string) bool {
	folder := filepath.Dir(file)
	row, known := rowOf(folder)
	test := strings.HasSuffix(file, "_test.go")
	if test {
		row += " " + forTests + " " + folder
		if allows(overSockets, folder) {
			row += " reactor"
		}
	}
	ours, own := strings.CutPrefix(path, module+"/")
	first, _, _ := strings.Cut(path, "/")
	switch {
	case !known:
		return false
	case own:
		return allows(row, ours)
	case !strings.Contains(first, "."): // the standard library
		return true
	}
	return test && strings.HasPrefix(path, "github.com/stretchr/testify/") || welcome(file, path)
}

// rowOf returns the row of the folder or of the nearest folder above that has one.
func rowOf(folder string) (row string, known bool) {
	for {
		if row, known = mayImport[folder]; known || filepath.Dir(folder) == "." {
			return row, known
		}
		folder = filepath.Dir(folder)
	}
}

// allows reports whether folder is one of the row's or below one of them.
func allows(row, folder string) bool {
	return slices.ContainsFunc(strings.Fields(row), func(r string) bool {
		return folder == r || strings.HasPrefix(folder, r+"/")
	})
}

// welcome reports whether the file may import the foreign package path.
func welcome(file, path string) bool {
	for m, files := range foreign {
		if path == m || strings.HasPrefix(path, m+"/") {
			return slices.ContainsFunc(strings.Fields(files), func(pattern string) bool {
				ok, _ := filepath.Match(pattern, file)
				return ok
			})
		}
	}
	return false
}

// goFiles lists the Go files of this module, without those of modules inside it.
func goFiles(t *testing.T) (files []string) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || exists(path+"/go.mod")):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".go"):
			files = append(files, path)
		}
		return nil
	})
	require.NoError(t, err)
	return files
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
