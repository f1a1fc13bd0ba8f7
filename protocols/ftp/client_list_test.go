package ftp_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// lists has the server send this text as the listing.
func (p *play) lists(text string) {
	p.deliver = func(c, _ net.Conn, _ []byte) {
		_, _ = c.Write([]byte(text))
		_ = c.Close()
	}
}

// What lines of MLSD say (RFC 3659, section 7), and what cannot be used of them.
func TestClientListsFacts(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		p.lists(strings.Join([]string{
			"Type=file;Size=12;Modify=20240506120000.5;Perm=rw; a file; with = everything",
			"type=DIR; b",
			"type=cdir; /some/where",
			"type=pdir; ..",
			"type=OS.unix=slink:/etc/passwd; link",
			"type=OS.unix=slink; dangling",
			"type=OS.unix=chr-1/3; null",
			"size=-1;modify=yesterday;type=file; odd",
			" no facts",
			"type=file; r\xe9sum\xe9",
			"type=file;size=3; " + strings.Repeat("l", 5000),
			"type=file; ../../../etc/cron.d/x",
			"type=file; /etc/passwd",
			"type=dir; .",
			"type=file; ..",
			"type=file; ",
			"type=file; a\x00b",
			"type=file; a\rb",
			"gibberish",
			"",
			"not facts at all",
			"type=file;size=1; the last has no end",
		}, "\r\n"))
		l, err := p.client().ListContext(context.Background(), "")
		require.NoError(t, err)
		other := func(name string, kind ftp.EntryType) ftp.Entry { return ftp.Entry{Name: name, Type: kind, Size: -1} }
		link := other("link", ftp.TypeLink)
		link.Target = "/etc/passwd"
		assert.Equal(t, []ftp.Entry{
			{Name: "a file; with = everything", Type: ftp.TypeFile, Size: 12, Modified: noon.Add(time.Second / 2), Exact: true},
			other("b", ftp.TypeFolder), link, other("dangling", ftp.TypeLink), other("null", ftp.TypeOther),
			other("odd", ftp.TypeFile), other("no facts", ftp.TypeOther), other("r\xe9sum\xe9", ftp.TypeFile),
			{Name: "the last has no end", Type: ftp.TypeFile, Size: 1},
		}, l.Entries)
		assert.Len(t, l.Unusable, 9)
		assert.Contains(t, l.Unusable, "type=file; ../../../etc/cron.d/x")
	})
}

// Where there is no MLSD the library reads LIST, and what it cannot read is told.
func TestClientListsLines(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		p.features, p.files["/-R"] = []string{"SIZE"}, folder()
		p.lists(strings.Join([]string{
			"total 12",
			"drwxr-xr-x   2 ann ann     4096 Jan  2  2006 .",
			"drwxr-xr-x   2 ann ann     4096 Jan  2  2006 ..",
			"-rw-r--r--   1 ann ann       12 Jan  2  2006 a file",
			"crw-rw-rw-   1 ann ann     1, 3 Jan  2  2006 null",
			"lrwxrwxrwx   1 ann ann        4 Jan  2  2006 link -> /etc/passwd",
			"drwxr-xr-x   2 ann ann     4096 Jan  2  2006 folder",
			"-rw-r--r--   1 ann ann       12 Jan  2  2006 ../../../etc/cron.d/x",
			"-rw-r--r--   1 ann ann       12 Jan  2  2006 a\x00b",
			"what is this",
			"02-03-06  04:05PM       <DIR>          dos",
			"02-03-06  04:05PM                  17 dos.txt",
			"type=file; \x00",
			"type=file; ",
		}, "\r\n") + "\r\n")
		l, err := p.client().ListContext(context.Background(), "-R")
		require.NoError(t, err)
		day, dos := time.Date(2006, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(2006, 2, 3, 16, 5, 0, 0, time.UTC)
		assert.Equal(t, []ftp.Entry{
			{Name: "a file", Type: ftp.TypeFile, Size: 12, Modified: day},
			{Name: "link", Type: ftp.TypeLink, Size: -1, Modified: day, Target: "/etc/passwd"},
			{Name: "folder", Type: ftp.TypeFolder, Size: -1, Modified: day},
			{Name: "dos", Type: ftp.TypeFolder, Size: -1, Modified: dos},
			{Name: "dos.txt", Type: ftp.TypeFile, Size: 17, Modified: dos},
		}, l.Entries)
		assert.Len(t, l.Unusable, 6)
		assert.Contains(t, p.said, "LIST ./-R", "and no option")
	})
}

// A listing has bounds, in its lines and in its bytes.
func TestClientListsNoMoreThan(t *testing.T) {
	for name, line := range map[string]string{
		"lines":       "type=file; a\r\n",
		"empty lines": "\n",
		"bytes":       "type=file; " + strings.Repeat("a", 10000) + "\r\n",
		"a line":      strings.Repeat("a", 1000),
	} {
		for _, features := range [][]string{{"MLST"}, {"SIZE"}} {
			t.Run(name+" "+features[0], func(t *testing.T) {
				inEachSecurity(t, func(t *testing.T, p *play) {
					p.config.MaxEntries, p.features = 1000, features
					p.deliver = func(c, _ net.Conn, _ []byte) {
						for {
							if _, err := c.Write([]byte(line)); err != nil {
								return
							}
						}
					}
					c := p.client()
					_, err := c.ListContext(context.Background(), "")
					require.ErrorIs(t, err, ftp.ErrProtocol)
					p.deliver = nil
					_, err = c.ListContext(context.Background(), "")
					require.NoError(t, err)
				})
			})
		}
	}
}

// A name is one argument, or nothing is said.
func TestClientNames(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		c, ctx := p.client(), context.Background()
		require.NoError(t, c.NoopContext(ctx))
		before := len(p.said)
		for _, name := range []string{"", "a\r\nDELE b", "a\nb", "a\rb", "a\x00b", "a\xffb", strings.Repeat("a", 5000)} {
			for what, err := range map[string]error{
				"Get":        second(c.GetContext(ctx, name, io.Discard, 0)),
				"Put":        second(c.PutContext(ctx, name, strings.NewReader(""), 0)),
				"Append":     second(c.AppendContext(ctx, name, strings.NewReader(""))),
				"Size":       second(c.SizeContext(ctx, name)),
				"ModTime":    second(c.ModTimeContext(ctx, name)),
				"SetModTime": c.SetModTimeContext(ctx, name, noon),
				"Remove":     c.RemoveContext(ctx, name),
				"RemoveDir":  c.RemoveDirContext(ctx, name),
				"Mkdir":      c.MkdirContext(ctx, name),
				"MkdirAll":   c.MkdirAllContext(ctx, name),
				"from":       c.RenameContext(ctx, name, "x"),
				"to":         c.RenameContext(ctx, "x", name),
			} {
				require.ErrorIs(t, err, ftp.ErrName, what)
				assert.False(t, err.(*ftp.ClientError).Temporary())
			}
			if name != "" {
				require.ErrorIs(t, second(c.ListContext(ctx, name)), ftp.ErrName)
			}
		}
		assert.Len(t, p.said, before)
	})
}

func second[T any](_ T, err error) error { return err }

// Names that begin with no slash begin at home, whatever quotes that has.
func TestClientHome(t *testing.T) {
	for reply, home := range map[string]string{
		`257 "/" is here`: "/", `257 "/a ""b"" c"`: `/a "b" c`, `257-"/x"` + "\r\n257 y": "/x",
		`257 "/x`: "", `257 x`: "", `257 ""`: "", `257 "`: "",
	} {
		inBubble(t, func(t *testing.T, p *play) {
			p.instead = func(_ *session, verb, _ string) string { return map[string]string{"PWD": reply}[verb] }
			got, err := p.client().PwdContext(context.Background())
			assert.Equal(t, home, got, reply)
			assert.Equal(t, home == "", err != nil, reply)
		})
	}
}

// What servers can do is told in many ways, or not at all.
func TestClientFeatures(t *testing.T) {
	for feat, mlsd := range map[string]bool{
		"211-Features:\r\n MLST size*;\r\n UTF8\r\n211 End": true,
		"211-Features:\r\n211-MLST size*;\r\n211 End":       true,
		"211-Features:\r\nmlst size*;\r\n utf8\r\n211 End":  true,
		"211-Features:\r\n211-\tMLST\r\n211 End":            true,
		"211 none":                                          false,
		"500 what?":                                         false,
		"211-a\r\n220 b\r\n211-c\r\n211 ":                   false,
	} {
		inBubble(t, func(t *testing.T, p *play) {
			p.cut = true
			p.instead = func(_ *session, verb, _ string) string {
				return map[string]string{"FEAT": feat, "OPTS": "501 no UTF-8 here"}[verb]
			}
			_, err := p.client().ListContext(context.Background(), "/")
			require.NoError(t, err, feat)
			p.mu.Lock()
			defer p.mu.Unlock()
			assert.Equal(t, map[bool]string{true: "MLSD /", false: "LIST /"}[mlsd], p.said[len(p.said)-1], feat)
		})
	}
}

// Replies of several lines may hold anything, and codes may be others of the same
// class.
func TestClientReplies(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		p.instead = func(_ *session, verb, _ string) string {
			return map[string]string{
				"greeting": "120 soon\r\n220-hi\r\n\r\n 220 x\r\n221 y\r\n220",
				"USER":     "232 welcome, no password",
				"TYPE":     "250-a\nb\n250 c",
				"NOOP":     "250 ok",
				"MKD":      "250 made",
				"DELE":     "200 gone",
			}[verb]
		}
		c, ctx := p.client(), context.Background()
		require.NoError(t, c.NoopContext(ctx))
		require.NoError(t, c.MkdirContext(ctx, "/x"))
		require.NoError(t, c.RemoveContext(ctx, "/"))
	})
}

// A type prints as a word.
func TestEntryTypeIsAWord(t *testing.T) {
	assert.Equal(t, "other file folder link other", fmt.Sprint(ftp.TypeOther, ftp.TypeFile, ftp.TypeFolder, ftp.TypeLink, ftp.TypeLink+1))
}
