package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// A draft is a file here that is not whole, and has another name until it is. Nobody
// else's file has that name: it is a new one each time, or, where it is to be gone on
// with, what a draft that was kept is called.
type draft struct {
	*os.File
	local  string
	offset int64 // of what is there already
	kept   bool  // if it does not become whole
}

func newDraft(local string, kept bool) (*draft, error) {
	name, how := local+".ftpget", os.O_WRONLY|os.O_CREATE
	if !kept {
		name, how = fmt.Sprintf("%s.%08x.ftpget", local, rand.Uint32()), how|os.O_EXCL
	}
	f, err := os.OpenFile(name, how, 0o666)
	if err != nil {
		return nil, err
	}
	d := &draft{File: f, local: local, kept: kept}
	if d.offset, err = f.Seek(0, io.SeekEnd); err != nil {
		return nil, d.end(err)
	}
	return d, nil
}

// end gives it its name, unless there is an error.
func (d *draft) end(err error) error {
	if e := d.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(d.Name(), d.local)
	}
	if err != nil && (!d.kept || errors.Is(err, ftp.ErrSize)) {
		return errors.Join(err, os.Remove(d.Name()))
	}
	return err
}
