package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"

	"github.com/torsion-go/torsion/examples/internal/certificate"
	"github.com/torsion-go/torsion/protocols/ftp"
)

// Of sysexits(3).
const (
	exUsage       = 64
	exNoInput     = 66
	exNoHost      = 68
	exUnavailable = 69
	exCantCreat   = 73
	exIOErr       = 74
	exTempFail    = 75
	exProtocol    = 76
	exNoPerm      = 77
)

// tell says what went wrong, and which flag decides about it, if one does. It returns the
// exit status.
func tell(c *ftp.ClientConfig, err error) int {
	if err == nil {
		return 0
	}
	if _, told := errors.AsType[*skipped](err); !told {
		fmt.Fprintln(os.Stderr, err)
	}
	if h := hint(c, err); h != "" {
		fmt.Fprintln(os.Stderr, h)
	}
	return statusOf(err)
}

func hint(c *ftp.ClientConfig, err error) string {
	e, _ := errors.AsType[*ftp.ClientError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case errors.Is(err, ftp.ErrNoTLS):
		return "-tls none goes on in clear, where everybody on the way can listen"
	case errors.Is(err, ftp.ErrNoAuth) && c.Security == ftp.TLSNever && !c.AllowInsecureAuth:
		return "-insecure-auth says the password in clear; -tls none is why it would have to be"
	case noTLS && c.Security == ftp.TLSImplicit:
		return "-tls implicit is for ports that begin with TLS, -tls explicit for others"
	case errors.Is(err, io.EOF) && e != nil && e.Verb == "greeting" && c.Security != ftp.TLSImplicit:
		return "-tls implicit is for ports that begin with TLS, as this one may"
	}
	return certificate.Hint(err)
}

func statusOf(err error) int {
	e, _ := errors.AsType[*ftp.ClientError](err)
	reply, replied := errors.AsType[*ftp.Error](err)
	host, _ := errors.AsType[*net.DNSError](err)
	_, input := errors.AsType[*noInput](err)
	_, network := errors.AsType[net.Error](err)
	_, disk := errors.AsType[*fs.PathError](err)
	_, link := errors.AsType[*os.LinkError](err)
	switch {
	case input:
		return exNoInput
	case replied && reply.Code < 500:
		return exTempFail
	case errors.Is(err, ftp.ErrNoAuth), replied && (e.Verb == "USER" || e.Verb == "PASS"):
		return exNoPerm
	case errors.Is(err, ftp.ErrProtocol):
		return exProtocol
	case errors.Is(err, ftp.ErrSize):
		return exIOErr
	case host != nil && host.IsNotFound:
		return exNoHost
	case errors.Is(err, ftp.ErrName), errors.Is(err, ftp.ErrTooMany), errors.Is(err, errors.ErrUnsupported), replied:
		return exUnavailable
	case e != nil && (e.Verb == "AUTH" || e.Verb == "TLS") && !network:
		return exUnavailable
	case disk || link:
		return exCantCreat
	}
	return exTempFail
}
