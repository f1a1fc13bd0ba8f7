package smtp

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// A Maildir is a Delivery that keeps every message in a file of its own, in the
// format that qmail has made and mail readers know: written into tmp, and there in
// new at once and whole. Only Dir is needed. Deliver may be called from any
// goroutine, several at once, and other programs may deliver and read beside it;
// the fields may not change once it is in use.
//
// A message that Deliver has taken is on the disk, its text and its name: it has
// been told so by fsync before the client is. Whatever happens before, a full disk
// or a power cut, nothing is in new that is not whole; what is left over in tmp is
// removed when it is 36 hours old.
//
// A message for several mailboxes is written for all of them before it appears in
// any. If it then cannot appear in one, it is taken back from the others, and the
// client is told to try again: only a reader that has moved it on in that moment
// has it twice then, and so after a crash in it. Over LMTP mailboxes are
// independent.
//
// Files begin with Return-Path, Delivered-To for each recipient that led to the
// mailbox, and Received; then the message as it came, with CRLF. They are readable
// for the owner only. Names of mailboxes and files stay within Dir, as os.Root sees
// to it. It is opened afresh for each message, so it may be replaced by another.
//
// A large message is received straight into tmp of its first mailbox; see
// [SpoolDelivery].
type Maildir struct {
	// Dir is made if it is not there, but its parent is not. Its file system must
	// have hard links.
	Dir string

	// Mailbox names the mailbox of a recipient, a maildir in Dir, made when mail
	// comes for it. Without Mailbox, Dir is the only one. In a name letters are
	// made small, and all but letters, digits, and -_+=@. becomes %XX, so that
	// whatever somebody writes to is one folder here: "../Ann" is the folder
	// "%2E.%2Fann". Whoever may write to any address can make any number of
	// folders; Local's Mailboxes keep them to those that are wanted.
	Mailbox func(r Recipient) string

	mu       sync.Mutex
	prepared map[string]time.Time // when the folders were last seen to
}

// maxPrepared bounds what is remembered of folders; beyond, they are seen to more
// often.
const maxPrepared = 10_000

// Open makes Dir and, without Mailbox, the folders in it. Deliver does that, too, but
// only when mail comes: a program that calls this first finds out earlier that it
// cannot.
func (m *Maildir) Open() error {
	root, err := m.open()
	if err != nil {
		return err
	}
	defer root.Close()
	if m.Mailbox == nil {
		return m.prepare(root, ".")
	}
	return nil
}

// Deliver puts the message into the mailboxes of all recipients, once into each. One that
// begins with a space or a tab is refused with 554 5.6.0, as by [Local].
func (m *Maildir) Deliver(e *Envelope, message io.ReadSeeker) error {
	checkDeliver(e, message)
	if err := checkBeginning(message); err != nil {
		return err
	}
	boxes := m.mailboxes(e)
	err := m.deliver(boxes, message)
	if err != nil {
		for _, b := range boxes {
			m.forget(b.folder)
		}
	}
	return err
}

func (m *Maildir) deliver(boxes []*mailbox, message io.ReadSeeker) error {
	root, err := m.open()
	if err != nil {
		return err
	}
	defer root.Close()
	drafts := make([]*draft, 0, len(boxes))
	defer func() {
		for _, d := range drafts {
			d.discard()
		}
	}()
	for _, b := range boxes {
		d, err := m.write(root, b, message)
		if err != nil {
			return err
		}
		drafts = append(drafts, d)
	}
	return publish(drafts)
}

// A mailbox is one that a message goes to, with an envelope of its recipients.
type mailbox struct {
	folder   string
	envelope Envelope
}

// mailboxes sorts the recipients, in the order in which they were named.
func (m *Maildir) mailboxes(e *Envelope) []*mailbox {
	var all []*mailbox
	known := make(map[string]*mailbox)
	for _, r := range e.To {
		folder := m.folder(r)
		b := known[folder]
		if b == nil {
			b = &mailbox{folder: folder, envelope: *e}
			b.envelope.To = nil
			known[folder] = b
			all = append(all, b)
		}
		b.envelope.To = append(b.envelope.To, r)
	}
	return all
}

func (m *Maildir) folder(r Recipient) string {
	if m.Mailbox == nil {
		return "."
	}
	return folderName(m.Mailbox(r))
}

// head is what stands before the message.
func (b *mailbox) head() []byte {
	e := &b.envelope
	head := append(e.returnPath(), e.deliveredTo()...)
	return append(head, e.Received()...)
}

// write leaves the message for one mailbox in its tmp, on the disk. If it was
// received there nothing is copied.
func (m *Maildir) write(root *os.Root, b *mailbox, message io.ReadSeeker) (*draft, error) {
	head := b.head()
	if s, ok := message.(*draftSpool); ok && s.is(m, b.folder, head) {
		return s.adopt()
	}
	d, err := m.begin(root, b.folder, head)
	if err != nil {
		return nil, err
	}
	if err := d.fill(message); err != nil {
		d.discard()
		return nil, err
	}
	return d, nil
}

// begin makes the file, and the folders if they are not there.
func (m *Maildir) begin(root *os.Root, folder string, head []byte) (*draft, error) {
	if err := m.prepare(root, folder); err != nil {
		return nil, err
	}
	return beginDraft(root, folder, head)
}

// open opens Dir, and makes it if need be.
func (m *Maildir) open() (*os.Root, error) {
	if m.Dir == "" {
		return nil, errMaildirDir
	}
	root, err := os.OpenRoot(m.Dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return root, err
	}
	if err := makeDir(m.Dir); err != nil {
		return nil, err
	}
	return os.OpenRoot(m.Dir)
}

var errMaildirDir = errors.New("smtp: a Maildir needs a Dir")

// forget has a folder that something is wrong with seen to next time.
func (m *Maildir) forget(folder string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.prepared, folder)
}
