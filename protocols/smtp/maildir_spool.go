package smtp

import (
	"bytes"
	"errors"
	"io"
	"os"
)

var _ SpoolDelivery = (*Maildir)(nil)

var errBeforeMessage = errors.New("smtp: seek to before the message")

// Spool makes the file in tmp of the first mailbox, with what stands before the
// message in it: Deliver need only show it if it is for the same recipients. Until
// it is closed it has two descriptors.
func (m *Maildir) Spool(e *Envelope) (Spool, error) {
	b := m.mailboxes(e)[0]
	root, err := m.open()
	if err != nil {
		return nil, err
	}
	if err := m.prepare(root, b.folder); err != nil {
		root.Close()
		m.forget(b.folder)
		return nil, err
	}
	s, err := newDraftSpool(m, root, b.folder, b.head())
	if err != nil {
		m.forget(b.folder)
	}
	return s, err
}

// newDraftSpool makes the file, and has root closed.
func newDraftSpool(owner SpoolDelivery, root *os.Root, folder string, head []byte) (Spool, error) {
	d, err := beginDraft(root, folder, head)
	if err != nil {
		root.Close()
		return nil, err
	}
	return &draftSpool{draft: d, owner: owner, head: head}, nil
}

// A draftSpool is a draft that the message is still written to. Its beginning,
// for who reads and seeks, is that of the message.
type draftSpool struct {
	draft   *draft
	owner   SpoolDelivery
	head    []byte
	adopted bool // Deliver has the draft, and has removed it
}

func (s *draftSpool) Read(b []byte) (int, error) { return s.draft.file.Read(b) }

func (s *draftSpool) Write(b []byte) (int, error) { return s.draft.file.Write(b) }

func (s *draftSpool) Seek(offset int64, whence int) (int64, error) {
	base := int64(len(s.head))
	if whence == io.SeekStart {
		offset += base
	}
	n, err := s.draft.file.Seek(offset, whence)
	if err == nil && n < base {
		_, err = s.draft.file.Seek(base, io.SeekStart)
		return 0, errors.Join(errBeforeMessage, err)
	}
	return n - base, err
}

// Close removes the file from tmp, if Deliver has not.
func (s *draftSpool) Close() error {
	defer s.draft.root.Close()
	if !s.adopted {
		s.draft.discard()
		return nil
	}
	return s.draft.file.Close()
}

// is reports whether the file is what Deliver would write.
func (s *draftSpool) is(owner SpoolDelivery, folder string, head []byte) bool {
	return s.owner == owner && !s.adopted && s.draft.folder == folder && bytes.Equal(s.head, head)
}

// adopt is the draft, whose text is on the disk now. The file stays open: Deliver may
// be asked again, for others.
func (s *draftSpool) adopt() (*draft, error) {
	if err := s.draft.settle(); err != nil {
		return nil, err
	}
	s.adopted = true
	d := *s.draft
	d.file = nil
	return &d, nil
}
