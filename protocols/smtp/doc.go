// Package smtp is a mail server and a mail client (RFC 5321).
package smtp
