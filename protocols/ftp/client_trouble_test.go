package ftp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// operations are all that a Client does, at a server with a file /a.
var operations = map[string]func(ctx context.Context, c *ftp.Client) error{
	"Noop":       func(ctx context.Context, c *ftp.Client) error { return c.NoopContext(ctx) },
	"Rename":     func(ctx context.Context, c *ftp.Client) error { return c.RenameContext(ctx, "/a", "/b") },
	"Remove":     func(ctx context.Context, c *ftp.Client) error { return c.RemoveContext(ctx, "/a") },
	"RemoveDir":  func(ctx context.Context, c *ftp.Client) error { return c.RemoveDirContext(ctx, "/d") },
	"Mkdir":      func(ctx context.Context, c *ftp.Client) error { return c.MkdirContext(ctx, "/n") },
	"MkdirAll":   func(ctx context.Context, c *ftp.Client) error { return c.MkdirAllContext(ctx, "/n/o") },
	"SetModTime": func(ctx context.Context, c *ftp.Client) error { return c.SetModTimeContext(ctx, "/a", noon) },
	"ModTime":    func(ctx context.Context, c *ftp.Client) error { _, err := c.ModTimeContext(ctx, "/a"); return err },
	"Size":       func(ctx context.Context, c *ftp.Client) error { _, err := c.SizeContext(ctx, "/a"); return err },
	"Pwd":        func(ctx context.Context, c *ftp.Client) error { _, err := c.PwdContext(ctx); return err },
	"List":       func(ctx context.Context, c *ftp.Client) error { _, err := c.ListContext(ctx, "/"); return err },
	"Get": func(ctx context.Context, c *ftp.Client) error {
		_, err := c.GetContext(ctx, "/a", io.Discard, 1)
		return err
	},
	"Put": func(ctx context.Context, c *ftp.Client) error {
		_, err := c.PutContext(ctx, "/a", strings.NewReader("hi"), 1)
		return err
	},
	"Append": func(ctx context.Context, c *ftp.Client) error {
		_, err := c.AppendContext(ctx, "/a", strings.NewReader("hi"))
		return err
	},
}

// troubles are what servers do wrong at a command.
var troubles = map[string]struct {
	reply string
	err   error
}{
	"hang-up":                {"!", io.EOF},
	"hang-up within a reply": {"250-a\r\n25!", io.ErrUnexpectedEOF},
	"silence":                {"(silence)", os.ErrDeadlineExceeded},
	"no code":                {"Welcome", ftp.ErrProtocol},
	"a code of no class":     {"650 ok", ftp.ErrProtocol},
	"a long line":            {"250 " + strings.Repeat("x", 20<<10), ftp.ErrProtocol},
	"an endless reply":       {strings.Repeat("250-x\r\n", 20<<10), ftp.ErrProtocol},
	"421":                    {"421 bye!", nil},
	"450":                    {"450 not now", nil},
	"550":                    {"550 no", nil},
	"an answer too many":     {"550 no\r\n550 really", nil},
}

// tolerated are the commands whose refusal means something, and nothing bad.
var tolerated = map[string]string{
	"Get": "FEAT OPTS EPSV SIZE", "Put": "FEAT OPTS EPSV SIZE", "Append": "FEAT OPTS EPSV SIZE",
	"List": "FEAT OPTS EPSV", "MkdirAll": "FEAT OPTS MKD CWD",
}

// Whatever goes wrong at any command ends the operation within the time for it, with
// an error that names the command; and the next operation succeeds.
func TestClientTrouble(t *testing.T) {
	for name := range operations {
		tryTroubles(t, name, ftp.TLSNever)
	}
	for _, name := range []string{"Get", "Put"} {
		tryTroubles(t, name, ftp.TLSRequired)
		tryTroubles(t, name, ftp.TLSImplicit)
	}
}

func tryTroubles(t *testing.T, operation string, security ftp.Security) {
	verbs := []string{"greeting"}
	inBubble(t, func(t *testing.T, p *play) {
		p.config.Security = security
		p.files["/a"], p.files["/d"] = file("0123"), folder()
		require.NoError(t, operations[operation](context.Background(), p.client()))
		for _, line := range p.said {
			verb, _, _ := strings.Cut(line, " ")
			verbs = append(verbs, verb)
		}
	})
	for i, verb := range verbs {
		for what, trouble := range troubles {
			t.Run(fmt.Sprint(operation, ", TLS ", security, ", ", verb, ", ", what), func(t *testing.T) {
				inBubble(t, func(t *testing.T, p *play) {
					p.config.Security = security
					p.trouble(t, operation, i, trouble.reply, trouble.err)
				})
			})
		}
	}
}

// trouble has the server give this reply to the command n of an operation.
func (p *play) trouble(t *testing.T, operation string, n int, reply string, want error) {
	p.files["/a"], p.files["/d"] = file("0123"), folder()
	count, at := -1, ""
	p.instead = func(s *session, verb, _ string) string {
		p.mu.Lock()
		count++
		mine := count == n
		if mine {
			at = verb
		}
		p.mu.Unlock()
		if !mine {
			return ""
		}
		if reply == "(silence)" {
			_, _ = io.Copy(io.Discard, s.conn)
			return "!"
		}
		return reply
	}
	c, begun := p.client(), time.Now()
	err := operations[operation](context.Background(), c)
	assert.LessOrEqual(t, time.Since(begun), 2*time.Minute)
	assert.NoError(t, c.NoopContext(context.Background()))
	p.mu.Lock()
	defer p.mu.Unlock()
	ends := want != nil || strings.HasPrefix(reply, "421")
	if ends || !strings.Contains(max(tolerated[operation], "FEAT OPTS"), at) {
		require.Error(t, err)
	}
	if err != nil && (ends || strings.Count(reply, "550") < 2) {
		if at == "FEAT" && !ends {
			at = map[string]string{"SetModTime": "MFMT", "ModTime": "MDTM"}[operation] // which is not known of
		}
		requireVerb(t, err, at)
		assert.True(t, want == nil || errors.Is(err, want), err)
	}
}
