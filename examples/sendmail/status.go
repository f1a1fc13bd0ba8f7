package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/torsion-go/torsion/examples/internal/certificate"
	"github.com/torsion-go/torsion/protocols/smtp"
)

// Of sysexits(3).
const (
	exUsage       = 64
	exNoInput     = 66
	exNoUser      = 67
	exNoHost      = 68
	exUnavailable = 69
	exIOErr       = 74
	exTempFail    = 75
	exProtocol    = 76
	exNoPerm      = 77
)

// tell names who has not got the message, and which flag decides about that, if one does.
// It returns the exit status.
func tell(c *smtp.ClientConfig, r smtp.Result, err error) int {
	e, failed := errors.AsType[*smtp.SendError](err)
	each := r.Err()
	if err != nil && !(errors.Is(each, err) || failed && errors.Is(each, e.Err)) { // or it is there, behind a name
		fmt.Fprintln(os.Stderr, err)
	}
	if each != nil {
		fmt.Fprintln(os.Stderr, each)
	}
	if h := hint(c, err); h != "" {
		fmt.Fprintln(os.Stderr, h)
	}
	_, reply := errors.AsType[*smtp.SMTPError](err)
	if !failed || e.Verb == "RCPT" && reply {
		return refused(r)
	}
	return statusOf(e)
}

func hint(c *smtp.ClientConfig, err error) string {
	e, _ := errors.AsType[*smtp.SendError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	unverified := c.Security == smtp.TLSNever || c.Security == smtp.TLSOpportunistic
	switch {
	case errors.Is(err, smtp.ErrNoTLS):
		return "-starttls none goes on in clear, where everybody on the way can listen"
	case errors.Is(err, smtp.ErrNoAuth) && unverified && !c.AllowInsecureAuth:
		return "-insecure-auth says the password all the same; -starttls required says it to nobody else"
	case noTLS && c.Security == smtp.TLSImplicit:
		return "-tls is for ports that begin with TLS, -starttls for others"
	case errors.Is(err, io.EOF) && e != nil && e.Verb == "greeting" && c.Security != smtp.TLSImplicit:
		return "-tls is for ports that begin with TLS, as this one may"
	}
	return certificate.Hint(err)
}

// statusOf is the status of a message that went to nobody, for one reason.
func statusOf(e *smtp.SendError) int {
	reply, replied := errors.AsType[*smtp.SMTPError](e)
	host, _ := errors.AsType[*net.DNSError](e)
	_, network := errors.AsType[net.Error](e)
	lost := network || errors.Is(e, io.EOF) || errors.Is(e, io.ErrUnexpectedEOF)
	switch {
	case e.Unknown:
		return exIOErr
	case replied && reply.Temporary():
		return exTempFail
	case e.Verb == "AUTH" && (replied || errors.Is(e, smtp.ErrNoAuth)):
		return exNoPerm
	case errors.Is(e, smtp.ErrProtocol):
		return exProtocol
	case host != nil && host.IsNotFound:
		return exNoHost
	case e.Verb == "STARTTLS" && !lost, e.Verb == "TLS" && !lost, replied:
		return exUnavailable
	}
	return exTempFail
}

// refused is the status of what some recipients have got, or none, each for a reason
// of its own: that of the one for whom it helps most to try again.
func refused(r smtp.Result) (status int) {
	for _, to := range r.To {
		e, ok := errors.AsType[*smtp.SMTPError](to.Err)
		switch {
		case to.Err == nil:
		case !ok || e.Temporary():
			return exTempFail
		case status != exUnavailable && unknown(e):
			status = exNoUser
		default:
			status = exUnavailable
		}
	}
	return status
}

// unknown reports whether there is nobody of that name (RFC 3463, section 3.2).
func unknown(e *smtp.SMTPError) bool {
	if e.EnhancedCode == (smtp.EnhancedCode{}) {
		return e.Code == 550 || e.Code == 551 || e.Code == 553
	}
	return e.EnhancedCode[1] == 1
}
