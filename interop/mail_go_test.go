package interop

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	netsmtp "net/smtp"
	"os"
	"testing"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

// report is what a client of Go's says.
func report(errs ...error) (sent bool, said string) {
	sent = errs[len(errs)-1] == nil // the last is the message's
	for _, err := range errs {
		if reply, ok := errors.AsType[*gosmtp.SMTPError](err); ok {
			c := reply.EnhancedCode
			said += fmt.Sprintf("%d %d.%d.%d ", reply.Code, c[0], c[1], c[2])
		}
		said += fmt.Sprintln(err)
	}
	return sent, said
}

// config is that of who trusts what o says.
func (o order) config(t *testing.T) *tls.Config {
	t.Helper()
	cert, err := os.ReadFile(o.CA)
	require.NoError(t, err)
	trusted := x509.NewCertPool()
	require.True(t, trusted.AppendCertsFromPEM(cert))
	return &tls.Config{RootCAs: trusted, ServerName: o.Host}
}

func (o order) message(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(o.File)
	require.NoError(t, err)
	return string(text)
}

// dial connects as o says.
func (o order) dial(t *testing.T) net.Conn {
	t.Helper()
	var c net.Conn
	var err error
	switch {
	case o.LMTP:
		c, err = net.Dial("unix", o.Socket)
	case o.TLS == "implicit":
		c, err = tls.Dial("tcp", net.JoinHostPort(o.Host, o.TLSPort), o.config(t))
	default:
		c, err = net.Dial("tcp", net.JoinHostPort(o.Host, o.Port))
	}
	require.NoError(t, err)
	return c
}

// transact sends a message by what both of Go's clients have.
func transact(o order, text string, rcpt func(to string) error, data func() (io.WriteCloser, error)) (bool, string) {
	var errs []error
	for _, to := range o.To {
		errs = append(errs, rcpt(to))
	}
	w, err := data()
	if err == nil {
		_, err = io.WriteString(w, text)
		err = errors.Join(err, w.Close())
	}
	return report(append(errs, err)...)
}

// netMail is package net/smtp's client.
func netMail(t *testing.T, o order) (bool, string) {
	c, err := netsmtp.NewClient(o.dial(t), o.Host)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Hello("client.test"))
	if o.TLS == "starttls" {
		if err := c.StartTLS(o.config(t)); err != nil {
			return report(err)
		}
	}
	if o.User != "" {
		if err := c.Auth(netsmtp.PlainAuth("", o.User, o.Password, o.Host)); err != nil {
			return report(err)
		}
	}
	if err := c.Mail(o.From); err != nil {
		return report(err)
	}
	sent, said := transact(o, o.message(t), c.Rcpt, c.Data)
	return sent, said + quit(c.Quit())
}

// goMail is go-smtp's.
func goMail(t *testing.T, o order) (bool, string) {
	c, err := o.goClient(t)
	if err != nil {
		return report(err)
	}
	defer c.Close()
	if o.User != "" {
		if err := c.Auth(o.sasl()); err != nil {
			return report(err)
		}
	}
	text := o.message(t)
	options := gosmtp.MailOptions{Size: int64(len(text)), UTF8: o.UTF8, Body: gosmtp.Body8BitMIME}
	if err := c.Mail(o.From, &options); err != nil {
		return report(err)
	}
	rcpt := func(to string) error { return c.Rcpt(to, nil) }
	sent, said := transact(o, text, rcpt, func() (io.WriteCloser, error) { return c.Data() })
	return sent, said + quit(c.Quit())
}

func (o order) goClient(t *testing.T) (c *gosmtp.Client, err error) {
	switch conn := o.dial(t); {
	case o.LMTP:
		c = gosmtp.NewClientLMTP(conn)
	case o.TLS == "starttls":
		return gosmtp.NewClientStartTLS(conn, o.config(t))
	default:
		c = gosmtp.NewClient(conn)
	}
	return c, c.Hello("client.test")
}

func (o order) sasl() sasl.Client {
	if o.Mechanism == "LOGIN" {
		return sasl.NewLoginClient(o.User, o.Password)
	}
	return sasl.NewPlainClient("", o.User, o.Password)
}

// quit is what there is to say of a goodbye.
func quit(err error) string {
	if err != nil {
		return "\nQUIT: " + err.Error()
	}
	return ""
}
