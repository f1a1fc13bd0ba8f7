package main

import (
	"errors"
	"io"
	"os"
)

// spool copies a message to a file without a name: it is read twice.
func spool(r io.Reader) (*os.File, error) {
	f, err := os.CreateTemp("", "sendmail")
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(f, r)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err = errors.Join(err, os.Remove(f.Name())); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
