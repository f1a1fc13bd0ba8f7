package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"

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

// tell names who has not got the message, and returns the exit status.
func tell(r smtp.Result, err error) int {
	e, failed := errors.AsType[*smtp.SendError](err)
	each := r.Err()
	if err != nil && !(errors.Is(each, err) || failed && errors.Is(each, e.Err)) { // or it is there, behind a name
		fmt.Fprintln(os.Stderr, err)
	}
	if each != nil {
		fmt.Fprintln(os.Stderr, each)
	}
	_, reply := errors.AsType[*smtp.SMTPError](err)
	if !failed || e.Verb == "RCPT" && reply {
		return refused(r)
	}
	return statusOf(e)
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
