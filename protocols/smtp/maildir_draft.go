package smtp

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"
)

// A draft is a message in the tmp of a maildir, for as long as it is there.
//
//	newDraft --> fill, or a draftSpool --> publish --> discard
//	                                             \--> unpublish --> discard
type draft struct {
	root   *os.Root
	folder string   // of the mailbox, in root
	name   string   // in tmp
	file   *os.File // nil once it is on the disk
	size   int64
	public string // where it is to be seen, from root; empty unless it is
}

// newDraft makes the file. Its name is of no other file, since its random part is
// not; if it were, this or publish would fail, and not overwrite.
func newDraft(root *os.Root, folder string) (*draft, error) {
	d := &draft{root: root, folder: folder, name: uniqueName(time.Now())}
	file, err := root.OpenFile(d.tmp(), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	d.file = file
	return d, err
}

// beginDraft makes the file, with what stands before the message.
func beginDraft(root *os.Root, folder string, head []byte) (*draft, error) {
	d, err := newDraft(root, folder)
	if err != nil {
		return nil, err
	}
	if _, err := d.file.Write(head); err != nil {
		d.discard()
		return nil, err
	}
	return d, nil
}

// uniqueName is a name as maildir(5) wants it: the time, what is unique on this
// host then, and the host.
func uniqueName(now time.Time) string {
	var random [8]byte
	rand.Read(random[:])
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	host = strings.NewReplacer("/", `\057`, ":", `\072`).Replace(host)
	return fmt.Sprintf("%d.M%06dP%dR%s.%s",
		now.Unix(), now.Nanosecond()/1000, os.Getpid(), hex.EncodeToString(random[:]), host)
}

func (d *draft) tmp() string { return path.Join(d.folder, "tmp", d.name) }

// fill writes the whole message behind what is there.
func (d *draft) fill(message io.ReadSeeker) error {
	if _, err := message.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(d.file, message); err != nil {
		return err
	}
	if err := d.settle(); err != nil {
		return err
	}
	file := d.file
	d.file = nil
	return file.Close()
}

// settle has the text written to the disk.
func (d *draft) settle() error {
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	d.size = info.Size()
	return d.file.Sync()
}

// publish shows all drafts, or none. Their names are on the disk then.
func publish(drafts []*draft) error {
	err := publishEach(drafts)
	if err != nil {
		for _, d := range drafts {
			d.unpublish()
		}
	}
	return err
}

func publishEach(drafts []*draft) error {
	for _, d := range drafts {
		if err := d.publish(); err != nil {
			return err
		}
	}
	for _, d := range drafts {
		if err := syncDir(d.root, path.Dir(d.public)); err != nil {
			return err
		}
	}
	return nil
}

// publish links the file into new: a rename would overwrite what has its name there.
func (d *draft) publish() error {
	public := path.Join(d.folder, "new", fmt.Sprintf("%s,S=%d", d.name, d.size))
	if err := d.root.Link(d.tmp(), public); err != nil {
		return err
	}
	d.public = public
	return nil
}

// unpublish takes the message back. If that fails a reader has it already.
func (d *draft) unpublish() {
	if d.public != "" {
		_ = d.root.Remove(d.public)
	}
}

// discard removes the file from tmp; what is in new stays. Should that fail, a sweep
// does it later.
func (d *draft) discard() {
	if d.file != nil {
		d.file.Close()
	}
	_ = d.root.Remove(d.tmp())
}
