// Package ftp is a file server and a file client (RFC 959).
package ftp
