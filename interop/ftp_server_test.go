package interop

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A depot is our file server, and the folder that it serves.
type depot struct {
	house
	dir, cert string
}

// openDepot starts one where eve may write and anybody may read.
func openDepot(t *testing.T, flags ...string) *depot {
	t.Helper()
	id := identify(t, "localhost")
	d := &depot{house: house{t: t, example: "ftp"}, dir: t.TempDir(), cert: id.certFile}
	d.flags = append([]string{"-root", d.dir, "-anonymous", "-user", "eve", "-password", "sesame", "-host", "0",
		"-tls-cert", id.certFile, "-tls-key", id.keyFile}, flags...)
	d.begin()
	return d
}

// order is one of eve's.
func (d *depot) order() fileOrder {
	d.t.Helper()
	return fileOrder{Host: "localhost", Port: d.port, TLSPort: d.tlsPort, CA: d.cert, User: "eve", Password: "sesame"}
}

// takenPort is one on which nobody else can listen.
func takenPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// plant makes files, by name; a name that ends with a slash is a folder.
func plant(t *testing.T, dir string, tree map[string]string) {
	t.Helper()
	for name, text := range tree {
		file := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			require.NoError(t, os.MkdirAll(file, 0o755))
			continue
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
}

// harvest is what is in a folder, as plant has it; a folder is there if it is empty.
func harvest(t *testing.T, dir string) map[string]string {
	t.Helper()
	tree := make(map[string]string)
	require.NoError(t, filepath.WalkDir(dir, func(file string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, file)
		switch {
		case err != nil || name == ".":
			return err
		case e.IsDir():
			tree[name+"/"] = ""
			delete(tree, filepath.Dir(name)+"/")
			return nil
		}
		text, err := os.ReadFile(file)
		tree[name] = string(text)
		delete(tree, filepath.Dir(name)+"/")
		return err
	}))
	return tree
}
