package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// spool copies a message to a file without a name: it is read twice.
func spool(r io.Reader) (*os.File, error) {
	f, err := os.CreateTemp("", "sendmail")
	if err != nil {
		return nil, err
	}
	err = os.Remove(f.Name()) // now, for a signal may end the program
	if err == nil {
		err = fill(f, r)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func fill(f *os.File, r io.Reader) error {
	n, err := io.Copy(f, input{r})
	if err == nil && n == 0 {
		err = fmt.Errorf("%w: it is empty", errInput)
	}
	if err != nil {
		return err
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}

var errInput = errors.New("cannot read the message")

// An input tells its errors from those of the file.
type input struct{ io.Reader }

func (i input) Read(p []byte) (int, error) {
	n, err := i.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%w: %w", errInput, err)
	}
	return n, err
}

// unspooled is the status where there is no copy: a full disk will have room again.
func unspooled(err error) int {
	if errors.Is(err, errInput) {
		return exNoInput
	}
	return exTempFail
}
