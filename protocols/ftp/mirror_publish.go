package ftp

import (
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// publish gives a file that is whole its name and its time. A server may refuse to
// replace a file by that, and then it is helped.
func (m *mirroring) publish(draft, remote string, exists bool, info fs.FileInfo) error {
	err := m.talk.rename(draft, remote)
	aside := ""
	if exists && m.talk.refuses("RNTO", err) {
		aside = draft + "-old"
		err = m.exchange(draft, remote, aside)
	}
	if err != nil {
		m.discard(draft, err)
		return err
	}
	if err = m.stamp(remote, info.ModTime()); err == nil && aside != "" {
		err = m.talk.remove(aside)
	}
	return elsewhere(err, aside)
}

// exchange sets a file aside and puts the draft in its place, or the file again if that
// cannot be: what RNTO does at most servers. What is still aside is older than the file.
func (m *mirroring) exchange(draft, remote, aside string) error {
	t := m.talk
	err := t.rename(remote, aside)
	if t.refuses("RNTO", err) && t.remove(aside) == nil { // of a run that ended between
		err = t.rename(remote, aside)
	}
	if err != nil {
		if t.gone {
			return elsewhere(err, aside)
		}
		return err
	}
	err = t.rename(draft, remote)
	if err == nil {
		return nil
	}
	if t.gone || t.rename(aside, remote) != nil {
		return elsewhere(err, aside)
	}
	return err
}

// elsewhere is err, and where the old file may be found.
func elsewhere(err error, aside string) error {
	if err == nil || aside == "" {
		return err
	}
	return fmt.Errorf("%w; the old file may be called %q now", err, aside)
}

// discard removes a draft that nobody comes back for, if that is possible.
func (m *mirroring) discard(draft string, err error) {
	if (!m.Resume || errors.Is(err, ErrSize)) && !m.talk.gone {
		_ = m.talk.remove(draft) // it is of no use, and in nobody's way
	}
}

// stamp says when a file was modified, where that can be said.
func (m *mirroring) stamp(remote string, at time.Time) error {
	t := m.talk
	if !t.ftp.IsSetTimeSupported() {
		return nil
	}
	err := t.setModTime(remote, at)
	if t.refuses("MFMT", err) {
		return nil // then it is stored again the next time
	}
	return err
}

// refuses reports whether err is a refusal of this command, behind which all can go on.
func (t *talk) refuses(verb string, err error) bool {
	e, ok := errors.AsType[*ClientError](err)
	_, refused := errors.AsType[*Error](err)
	return ok && refused && e.Verb == verb && !t.gone
}
