package interop

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	jlaffaye "github.com/jlaffaye/ftp"
	"github.com/stretchr/testify/require"
)

// goFTP is jlaffaye's client.
func goFTP(t *testing.T, o fileOrder) (bool, string) {
	var said bytes.Buffer
	c, err := o.dialFTP(t, &said)
	if err == nil {
		defer c.Quit()
		err = o.goDo(t, c, &said)
	}
	if err != nil {
		fmt.Fprintln(&said, err)
	}
	return err == nil, said.String()
}

// dialFTP connects as o says, and logs in.
func (o fileOrder) dialFTP(t *testing.T, said io.Writer) (*jlaffaye.ServerConn, error) {
	options := []jlaffaye.DialOption{jlaffaye.DialWithTimeout(20 * time.Second), jlaffaye.DialWithDebugOutput(said)}
	config := order{Host: o.Host, CA: o.CA}.config(t)
	config.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	port := o.Port
	switch o.TLS {
	case "explicit":
		options = append(options, jlaffaye.DialWithExplicitTLS(config))
	case "implicit":
		port = o.TLSPort
		options = append(options, jlaffaye.DialWithTLS(config))
	}
	c, err := jlaffaye.Dial(net.JoinHostPort(o.Host, port), append(options, jlaffaye.DialWithContext(context.Background()))...)
	if err != nil {
		return nil, err
	}
	if err := c.Login(o.User, o.Password); err != nil {
		return nil, errors.Join(err, c.Quit())
	}
	if o.ASCII {
		err = c.Type(jlaffaye.TransferTypeASCII)
	}
	return c, err
}

func (o fileOrder) goDo(t *testing.T, c *jlaffaye.ServerConn, said io.Writer) error {
	switch o.Do {
	case "list":
		entries, err := c.List(o.Name)
		for _, e := range entries {
			fmt.Fprintln(said, e.Name, e.Type, e.Size)
		}
		return err
	case "get", "get rest":
		return o.goGet(t, c)
	case "put", "put rest":
		return o.goPut(t, c)
	case "rename":
		return c.Rename(o.Name, o.To)
	case "delete":
		return c.Delete(o.Name)
	case "mkdir":
		return c.MakeDir(o.Name)
	}
	return c.RemoveDir(o.Name)
}

func (o fileOrder) goGet(t *testing.T, c *jlaffaye.ServerConn) error {
	var have []byte
	if o.Do == "get rest" {
		var err error
		have, err = os.ReadFile(o.Local)
		require.NoError(t, err)
	}
	r, err := c.RetrFrom(o.Name, uint64(len(have)))
	if err != nil {
		return err
	}
	rest, err := io.ReadAll(r)
	if o.ASCII {
		rest = bytes.ReplaceAll(rest, []byte("\r\n"), []byte("\n"))
	}
	return errors.Join(err, r.Close(), os.WriteFile(o.Local, append(have, rest...), 0o600))
}

func (o fileOrder) goPut(t *testing.T, c *jlaffaye.ServerConn) error {
	b, err := os.ReadFile(o.Local)
	require.NoError(t, err)
	text := string(b)
	if o.ASCII {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	var off int64
	if o.Do == "put rest" {
		off, err = c.FileSize(o.Name)
		require.NoError(t, err)
	}
	return c.StorFrom(o.Name, strings.NewReader(text[off:]), uint64(off))
}
