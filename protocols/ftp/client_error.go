package ftp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
)

// A ClientError says at which command an operation did not succeed, and why: Err is
// an *Error if the server has refused it, or has broken a transfer off; otherwise an
// error of the network (an io.EOF or io.ErrUnexpectedEOF if the server has hung up), of
// TLS, of the Reader, Writer or folder that was given, or [ErrProtocol], [ErrNoTLS],
// [ErrNoAuth], [ErrName], [ErrSize], errors.ErrUnsupported, deferred.ErrCancelled,
// net.ErrClosed.
type ClientError struct {
	Verb string // "connect", "AUTH", "PASS", "RETR", ...
	Err  error
}

func (e *ClientError) Error() string {
	if refused, ok := errors.AsType[*Error](e.Err); ok {
		return fmt.Sprintf("ftp: %s: %d %s", e.Verb, refused.Code, refused.Text)
	}
	return fmt.Sprintf("ftp: %s: %v", e.Verb, e.Err)
}

// Unwrap returns why.
func (e *ClientError) Unwrap() error { return e.Err }

// Temporary reports whether it may help to try again later: it does not when a
// reply says so, with a code of 500 or above, when the Client itself refused, when the
// address has no port, or when the server's certificate is not trusted.
func (e *ClientError) Temporary() bool {
	if refused, ok := errors.AsType[*Error](e.Err); ok {
		return refused.Code < 500
	}
	_, addr := errors.AsType[*net.AddrError](e.Err)
	_, cert := errors.AsType[*tls.CertificateVerificationError](e.Err)
	return !addr && !cert && !errors.Is(e.Err, ErrName) && !errors.Is(e.Err, ErrNoAuth) && !errors.Is(e.Err, errors.ErrUnsupported)
}

// A lostError is an io.EOF or io.ErrUnexpectedEOF of the connection, which says nothing
// to people.
type lostError struct{ error }

func (e *lostError) Error() string { return "the connection was lost" }

func (e *lostError) Unwrap() error { return e.error }

// lost is err in words, if it is an end that nobody has asked for.
func lost(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return &lostError{err}
	}
	return err
}

var (
	// ErrName is within the error of a name that cannot be said to a server, or
	// that came from one and may not be used here.
	ErrName = errors.New("ftp: not a name to use")

	// ErrSize is within the error of a transfer after which the file does not have the
	// size that it should have, at the server or here.
	ErrSize = errors.New("ftp: not the size")
)

// maxArg is how long an argument may be: PATH_MAX, nearly. The library hands over
// longer commands in pieces.
const maxArg = 4000

// sayable refuses what would not be one argument: CR, LF and NUL end or change
// commands, and the byte 255 begins one of Telnet's.
func sayable(arg string) error {
	if strings.ContainsAny(arg, "\r\n\x00") || strings.Contains(arg, "\xff") || len(arg) > maxArg {
		return fmt.Errorf("%w: %.80q", ErrName, arg)
	}
	return nil
}

// nameable is sayable for the name of a file or folder.
func nameable(name string) error {
	if name == "" {
		return fmt.Errorf("%w: an empty one", ErrName)
	}
	return sayable(name)
}
