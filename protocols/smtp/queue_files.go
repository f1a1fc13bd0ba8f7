package smtp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"strings"
	"time"
)

// queueFiles are the folder of a Queue:
//
//	mail/ID.eml  a message
//	mail/ID.env  its envelope: while this is here there is such a message
//	tmp/         what is being written
//	bad/         what could not be read
//	lock         is locked
type queueFiles struct {
	root *os.Root
	lock *os.File
}

const (
	queueText     = ".eml"
	queueEnvelope = ".env"
	queueBatch    = 1_000 // names at a time
)

// openQueueFiles makes the folder if it is not there, and takes it for ourselves. What
// is in tmp then is of no use to anybody.
func openQueueFiles(dir string) (f *queueFiles, err error) {
	if dir == "" {
		return nil, errQueueDir
	}
	m := Maildir{Dir: dir}
	f = &queueFiles{}
	if f.root, err = m.open(); err != nil {
		return nil, err
	}
	if err = f.prepare(); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *queueFiles) prepare() (err error) {
	if f.lock, err = f.root.OpenFile("lock", os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	if err = lockFile(f.lock); err != nil {
		return fmt.Errorf("smtp: another Queue uses %s: %w", f.root.Name(), err)
	}
	for _, name := range []string{"mail", "tmp", "bad"} {
		if err = f.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err = syncDir(f.root, "."); err != nil {
		return err
	}
	return f.each("tmp", func(name string) error {
		_ = f.root.RemoveAll(path.Join("tmp", name)) // what stays is in nobody's way
		return nil
	})
}

// each calls do for all files in a folder, a batch at a time.
func (f *queueFiles) each(folder string, do func(name string) error) error {
	d, err := f.root.Open(folder)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		files, err := d.ReadDir(queueBatch)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		for _, file := range files {
			if err := do(file.Name()); err != nil {
				return err
			}
		}
	}
}

func (f *queueFiles) close() error {
	var err error
	if f.lock != nil {
		err = f.lock.Close()
	}
	return errors.Join(err, f.root.Close())
}

func (f *queueFiles) path(id, kind string) string { return path.Join("mail", id+kind) }

// write leaves a file in tmp that is on the disk. The rest is the caller's.
func (f *queueFiles) write(head []byte, rest io.ReadSeeker) (*draft, error) {
	d, err := beginDraft(f.root, ".", head)
	if err != nil {
		return nil, err
	}
	if err := guarded(func() error { return d.fill(rest) }); err != nil {
		d.discard()
		return nil, err
	}
	return d, nil
}

// add puts an entry there, whole or not at all, whose message is in a draft, and has it
// on the disk.
func (f *queueFiles) add(e *queueEntry, text *draft) error {
	e.Size = text.size
	data, err := e.encode()
	if err != nil {
		return err
	}
	envelope, err := f.write(data, bytes.NewReader(nil))
	if err != nil {
		return err
	}
	defer envelope.discard()
	err = f.root.Rename(text.tmp(), f.path(e.ID, queueText))
	if err == nil {
		err = f.root.Rename(envelope.tmp(), f.path(e.ID, queueEnvelope))
	}
	if err == nil {
		err = syncDir(f.root, "mail")
	}
	if err != nil {
		return errors.Join(err, f.remove(e.ID))
	}
	return nil
}

// save replaces an envelope by another.
func (f *queueFiles) save(id string, data []byte) error {
	d, err := f.write(data, bytes.NewReader(nil))
	if err != nil {
		return err
	}
	defer d.discard()
	if err := f.root.Rename(d.tmp(), f.path(id, queueEnvelope)); err != nil {
		return err
	}
	return syncDir(f.root, "mail")
}

// remove forgets an entry: first that there is one, for good, and then its message. What
// is not there is no mistake.
func (f *queueFiles) remove(id string) error {
	err := f.root.Remove(f.path(id, queueEnvelope))
	if err == nil {
		err = syncDir(f.root, "mail")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := f.root.Remove(f.path(id, queueText)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// open opens the message of an entry.
func (f *queueFiles) open(id string) (*os.File, error) { return f.root.Open(f.path(id, queueText)) }

// load reads all envelopes, and no message. What is wrong is set aside.
func (f *queueFiles) load(log *slog.Logger) (entries []*queueEntry, err error) {
	texts := make(map[string]bool)
	var ids []string
	err = f.each("mail", func(name string) error {
		if id, ok := strings.CutSuffix(name, queueText); ok {
			texts[id] = true
		} else if id, ok := strings.CutSuffix(name, queueEnvelope); ok {
			ids = append(ids, id)
		} else {
			log.Warn("smtp: what is this in a queue?", "file", path.Join(f.root.Name(), "mail", name))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		delete(texts, id)
		e, err := f.read(id)
		switch {
		case err == nil:
			entries = append(entries, e)
			continue
		case errors.Is(err, errQueueFile):
			err = f.setAside(id, err, log)
		}
		if err != nil {
			return nil, err
		}
	}
	for id := range texts {
		err := f.root.Remove(f.path(id, queueText))
		log.Info("smtp: remove a message that was never taken, or is done with", "id", id, "err", err)
	}
	return entries, nil
}

// read reads the envelope of an entry whose message is whole.
func (f *queueFiles) read(id string) (*queueEntry, error) {
	data, err := f.readEnvelope(id)
	if err != nil {
		return nil, err
	}
	e, err := decodeQueueEntry(data)
	if err != nil {
		return nil, err
	}
	info, err := f.root.Lstat(f.path(id, queueText))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: there is no message", errQueueFile)
	case err != nil:
		return nil, err
	case e.ID != id || !isQueueID(id):
		return nil, fmt.Errorf("%w: id %q", errQueueFile, e.ID)
	case !info.Mode().IsRegular() || info.Size() != e.Size:
		return nil, fmt.Errorf("%w: %d bytes instead of %d", errQueueFile, info.Size(), e.Size)
	}
	e.held = int64(len(data))
	return e, nil
}

// readEnvelope reads a file, and nothing that would have us wait, or lead elsewhere.
func (f *queueFiles) readEnvelope(id string) ([]byte, error) {
	name := f.path(id, queueEnvelope)
	info, err := f.root.Lstat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: %v", errQueueFile, info.Mode())
	}
	file, err := f.root.Open(name)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: %w", errQueueFile, err)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxQueueFile))
}

// setAside keeps what somebody should look at.
func (f *queueFiles) setAside(id string, why error, log *slog.Logger) error {
	stamp := fmt.Sprintf(".%d", time.Now().UnixNano())
	name := func(kind string) string { return path.Join("bad", id[:min(len(id), 64)]+kind+stamp) }
	log.Error("smtp: set a message aside that cannot be read", "id", id, "err", why,
		"file", path.Join(f.root.Name(), name(queueEnvelope)))
	for _, kind := range []string{queueText, queueEnvelope} {
		err := f.root.Rename(f.path(id, kind), name(kind))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return syncDir(f.root, "bad")
}
