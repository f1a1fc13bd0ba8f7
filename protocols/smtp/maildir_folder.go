package smtp

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	// prepareEvery is how often a folder is seen to.
	prepareEvery = time.Hour

	// abandonedAfter is what maildir(5) says of files in tmp.
	abandonedAfter = 36 * time.Hour

	// sweepAtMost bounds the work of one sweep.
	sweepAtMost = 1_000

	// maxFolder keeps a name, which may be three times as long as what it stands
	// for, below what file systems allow.
	maxFolder = 200
)

// prepare makes the folders of a mailbox, and removes what was abandoned there. It
// does so at first and every hour; who comes meanwhile waits.
func (m *Maildir) prepare(root *os.Root, folder string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if at, ok := m.prepared[folder]; ok && now.Sub(at) < prepareEvery {
		return nil
	}
	if err := makeMaildir(root, folder); err != nil {
		return err
	}
	if err := sweep(root, path.Join(folder, "tmp"), now.Add(-abandonedAfter)); err != nil {
		return err
	}
	if m.prepared == nil || len(m.prepared) >= maxPrepared {
		m.prepared = make(map[string]time.Time)
	}
	m.prepared[folder] = now
	return nil
}

// makeMaildir makes what is not there, so that a power cut does not take it away. Nor
// what is: whoever made it may not have come so far.
func makeMaildir(root *os.Root, folder string) error {
	for _, name := range []string{"", "cur", "new", "tmp"} {
		err := root.Mkdir(path.Join(folder, name), 0o700)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err := syncDir(root, folder); err != nil {
		return err
	}
	return syncDir(root, ".")
}

// makeDir makes the folder that a Root is opened for.
func makeDir(name string) error {
	if err := os.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	parent, err := os.OpenRoot(filepath.Dir(filepath.Clean(name)))
	if err != nil {
		return err
	}
	defer parent.Close()
	return syncDir(parent, ".")
}

// syncDir has the names in a folder written to the disk. Windows does that by itself,
// and cannot be asked to.
func syncDir(root *os.Root, name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := root.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// sweep removes files that nobody has written to since then. (Not read, says
// maildir(5), but few file systems keep that any more.) What cannot be removed is
// somebody else's trouble.
func sweep(root *os.Root, tmp string, since time.Time) error {
	d, err := root.Open(tmp)
	if err != nil {
		return err
	}
	defer d.Close()
	files, err := d.ReadDir(sweepAtMost)
	if err != nil && err != io.EOF {
		return err
	}
	for _, f := range files {
		info, err := f.Info()
		if err == nil && info.Mode().IsRegular() && info.ModTime().Before(since) {
			_ = root.Remove(path.Join(tmp, f.Name()))
		}
	}
	return nil
}

// folderName is a name as that of one folder. Different names are different folders,
// but for the case of letters.
func folderName(name string) string {
	name = strings.ToLower(name)
	escaped := escapeName(name)
	if len(escaped) <= maxFolder {
		return escaped
	}
	sum := sha256.Sum256([]byte(name))
	return escaped[:maxFolder-34] + "%%" + hex.EncodeToString(sum[:16])
}

func escapeName(name string) string {
	const digits = "0123456789ABCDEF"
	if name == "" {
		return "%"
	}
	b := make([]byte, 0, 3*len(name))
	for i := range len(name) {
		c := name[i]
		dot := c == '.' && (i == 0 || i == len(name)-1)
		if plain(c) && !dot {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(b)
}

// plain are the bytes that no file system takes for something else.
func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-_+=@.", c) >= 0
}
