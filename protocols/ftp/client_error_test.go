package ftp_test

import (
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// An error says what was said, and whether it may help to try again.
func TestClientErrors(t *testing.T) {
	for _, c := range []struct {
		err       error
		text      string
		temporary bool
	}{
		{&ftp.Error{Code: 450, Text: "busy"}, "ftp: RETR: 450 busy", true},
		{&ftp.Error{Code: 550, Text: "no"}, "ftp: RETR: 550 no", false},
		{io.ErrUnexpectedEOF, "ftp: RETR: unexpected EOF", true},
		{ftp.ErrName, "ftp: RETR: ftp: not a name to use", false},
		{ftp.ErrNoAuth, "ftp: RETR: ftp: no authentication", false},
		{errors.ErrUnsupported, "ftp: RETR: unsupported operation", false},
	} {
		e := &ftp.ClientError{Verb: "RETR", Err: c.err}
		assert.EqualError(t, e, c.text)
		assert.Equal(t, c.temporary, e.Temporary(), c.text)
		assert.ErrorIs(t, e, c.err)
	}
}
