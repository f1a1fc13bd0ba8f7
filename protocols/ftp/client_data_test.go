package ftp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/ftp"
	"github.com/torsion-go/torsion/protocols/secure"
)

// moving are the operations that have a connection for data, and their commands.
var moving = map[string]string{"Get": "RETR", "Put": "STOR", "Append": "APPE", "List": "MLSD"}

// What the server says when the data is over is the outcome: any 2xx is success,
// all else is none. The connection goes on.
func TestClientFinalReply(t *testing.T) {
	for name, verb := range moving {
		for _, reply := range []string{"226 a", "250 b", "200 c", "226-d\r\n226 e", "426 f", "451 g", "452 h", "552 i", "550 j"} {
			t.Run(name+", "+reply, func(t *testing.T) {
				inEachSecurity(t, func(t *testing.T, p *play) {
					p.files["/a"], p.after = file("0123"), reply
					if reply[0] == '2' && name != "List" && name != "Get" {
						p.features = []string{"MLST"} // the test's server has not stored it
					}
					c := p.client()
					err := operations[name](context.Background(), c)
					if reply[0] == '2' {
						require.NoError(t, err)
					} else {
						requireRefused(t, err, verb, int(reply[0]-'0')*100+int(reply[1]-'0')*10+int(reply[2]-'0'))
					}
					require.NoError(t, c.QuitContext(context.Background()))
					assert.Len(t, p.logins(), 1)
				})
			})
		}
	}
}

// A transfer without data, or whose data breaks off, is none, whatever the server
// says of it.
func TestClientBrokenData(t *testing.T) {
	for name, verb := range map[string]string{"Get": "RETR", "List": "MLSD"} {
		for what, deliver := range map[string]func(c, raw net.Conn, b []byte){
			"reset":      func(c, raw net.Conn, b []byte) { _, _ = c.Write(b); abort(raw) },
			"reset soon": func(_, raw net.Conn, _ []byte) { abort(raw) },
			"stalls":     func(c, _ net.Conn, b []byte) { _, _ = c.Write(b); _, _ = io.Copy(io.Discard, c) },
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				inEachSecurity(t, func(t *testing.T, p *play) {
					p.files["/a"], p.deliver = file("0123"), deliver
					c := p.client()
					err := requireVerb(t, operations[name](context.Background(), c), verb)
					if what == "stalls" {
						assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
					}
					p.deliver = nil
					require.NoError(t, operations[name](context.Background(), c))
					assert.Len(t, p.logins(), 1, "and the connection goes on")
				})
			})
		}
	}
}

// abort resets a connection of the test's server.
func abort(c net.Conn) { _ = c.(interface{ Abort() error }).Abort() }

// TLS that ends without saying so was cut, unless such servers are allowed.
func TestClientTruncation(t *testing.T) {
	for _, allow := range []bool{false, true} {
		inBubble(t, func(t *testing.T, p *play) {
			p.config.Security, p.config.AllowTruncation = ftp.TLSRequired, allow
			p.files["/a"] = file("0123")
			p.deliver = func(c, raw net.Conn, b []byte) { _, _ = c.Write(b); _ = raw.Close() }
			var b bytes.Buffer
			got, err := p.client().GetContext(context.Background(), "/a", &b, 0)
			assert.Equal(t, "0123", b.String())
			assert.EqualValues(t, 4, got.Bytes)
			if allow {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, requireVerb(t, err, "RETR"), secure.ErrTruncated)
		})
	}
}

// A good end is believed only with the right size.
func TestClientCompares(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		p.files["/a"] = file("0123")
		p.deliver = func(c, _ net.Conn, b []byte) { _, _ = c.Write(b[1:]); _ = c.Close() }
		got, err := p.client().GetContext(context.Background(), "/a", io.Discard, 0)
		require.ErrorIs(t, requireVerb(t, err, "SIZE"), ftp.ErrSize)
		assert.Equal(t, ftp.Copied{Bytes: 3, Size: 4}, got)
	})
	inBubble(t, func(t *testing.T, p *play) { // one that grows is whole as well
		p.files["/a"] = file("0123")
		p.deliver = func(c, _ net.Conn, b []byte) {
			p.files["/a"] = file("01234")
			_, _ = c.Write(p.files["/a"].data)
			_ = c.Close()
		}
		got, err := p.client().GetContext(context.Background(), "/a", io.Discard, 0)
		require.NoError(t, err)
		assert.Equal(t, ftp.Copied{Bytes: 5, Size: 5}, got)
	})
	inBubble(t, func(t *testing.T, p *play) {
		p.after = "226 stored elsewhere"
		p.files["/a"] = file("0123")
		_, err := p.client().PutContext(context.Background(), "/a", strings.NewReader("01234"), 0)
		require.ErrorIs(t, requireVerb(t, err, "SIZE"), ftp.ErrSize)
	})
}

// Without SIZE there is nothing to compare with.
func TestClientWithoutSize(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		p.files["/a"], p.features = file("0123"), []string{"MDTM"}
		c := p.client()
		got, err := c.GetContext(context.Background(), "/a", io.Discard, 0)
		require.NoError(t, err)
		assert.Equal(t, ftp.Copied{Bytes: 4, Size: -1}, got)
		got, err = c.AppendContext(context.Background(), "/a", strings.NewReader("hi"))
		require.NoError(t, err)
		assert.Equal(t, ftp.Copied{Bytes: 2, Size: -1}, got)
	})
}

// Half of a file is not taken for the whole: when the Reader fails the server sees a
// reset, and no end.
func TestClientReaderFails(t *testing.T) {
	wrong := errors.New("disk")
	inEachSecurity(t, func(t *testing.T, p *play) {
		p.files["/a"] = file("old")
		c := p.client()
		for _, soFar := range []string{"", "half"} {
			got, err := c.PutContext(context.Background(), "/a", io.MultiReader(strings.NewReader(soFar), iotest.ErrReader(wrong)), 0)
			require.ErrorIs(t, requireVerb(t, err, "STOR"), wrong)
			assert.EqualValues(t, len(soFar), got.Bytes)
			assert.Equal(t, "old", p.text("/a"))
		}
		assert.NoError(t, c.NoopContext(context.Background()))
		assert.Len(t, p.logins(), 1)
	})
}

type panics struct{}

func (panics) Read([]byte) (int, error)  { panic("oh") }
func (panics) Write([]byte) (int, error) { panic("oh") }

// Nor when it panics, which is an error, as it is of a Writer.
func TestClientReaderPanics(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		p.files["/a"] = file("old")
		c := p.client()
		_, err := c.PutContext(context.Background(), "/a", panics{}, 0)
		var e *protocol.PanicError
		require.ErrorAs(t, err, &e)
		_, err = c.GetContext(context.Background(), "/a", panics{}, 0)
		require.ErrorAs(t, err, &e)
		require.NoError(t, c.NoopContext(context.Background()))
		assert.Equal(t, "old", p.text("/a"))
	})
}

type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	n := min(f.room, len(p))
	f.room -= n
	return n, nil
}

// A Writer that takes no more ends the transfer, and the connection goes on.
func TestClientWriterFails(t *testing.T) {
	inEachSecurity(t, func(t *testing.T, p *play) {
		p.files["/a"] = file(string(large))
		c := p.client()
		got, err := c.GetContext(context.Background(), "/a", &full{10}, 0)
		require.ErrorIs(t, requireVerb(t, err, "RETR"), io.ErrShortWrite)
		assert.EqualValues(t, 10, got.Bytes)
		require.NoError(t, c.NoopContext(context.Background()))
		assert.Len(t, p.logins(), 1)
	})
}

// A server that takes no more says why, and that is the error.
func TestClientServerTakesNoMore(t *testing.T) {
	inEachSecurity(t, func(t *testing.T, p *play) {
		p.instead = func(s *session, verb, _ string) string {
			if verb != "STOR" {
				return ""
			}
			_, raw, err := s.data()
			if assert.NoError(s, err) {
				_, _ = raw.Read(make([]byte, 10))
				abort(raw)
			}
			return "452 full"
		}
		c := p.client()
		_, err := c.PutContext(context.Background(), "/a", bytes.NewReader(bytes.Repeat(large, 4)), 0)
		requireRefused(t, err, "STOR", 452)
		require.NoError(t, c.NoopContext(context.Background()))
	})
}

// A server that reads nothing is left after a while.
func TestClientServerStalls(t *testing.T) {
	inEachSecurity(t, func(t *testing.T, p *play) {
		p.instead = func(s *session, verb, _ string) string {
			if verb != "STOR" {
				return ""
			}
			_, raw, err := s.data()
			if assert.NoError(s, err) {
				defer raw.Close()
				_, _ = io.Copy(io.Discard, s.conn) // until the client goes
			}
			return "!"
		}
		begun := time.Now()
		_, err := p.client().PutContext(context.Background(), "/a", bytes.NewReader(bytes.Repeat(large, 16)), 0)
		require.ErrorIs(t, requireVerb(t, err, "STOR"), os.ErrDeadlineExceeded)
		assert.LessOrEqual(t, time.Since(begun), 2*time.Minute)
	})
}

// The address in a reply to PASV is not looked at: data comes from where the server is.
func TestClientForeignAddress(t *testing.T) {
	inEachSecurity(t, func(t *testing.T, p *play) {
		p.files["/a"], p.pasvIP = file("0123"), "203.0.113.9"
		p.instead = func(_ *session, verb, _ string) string {
			if verb == "EPSV" {
				return "500 what?"
			}
			return ""
		}
		c := p.client()
		for range 2 {
			_, err := c.GetContext(context.Background(), "/a", io.Discard, 0)
			require.NoError(t, err)
		}
		assert.Equal(t, 1, strings.Count(strings.Join(p.said, "\n"), "EPSV"), "it is asked for once")
	})
}

// Ports that are none, or where nobody listens, are errors of that transfer.
func TestClientNoData(t *testing.T) {
	for _, passive := range []string{"229 (|||1|)", "229 (|||0|)", "229 (|||70000|)", "229 (|||-1|)", "227 (1,2)"} {
		for name := range moving {
			t.Run(name+", "+passive, func(t *testing.T) {
				inBubble(t, func(t *testing.T, p *play) {
					p.files["/a"] = file("0123")
					p.instead = func(_ *session, verb, _ string) string {
						if (verb == "EPSV" || verb == "PASV") && p.pasvIP == "" {
							return passive
						}
						return ""
					}
					c := p.client()
					var e *ftp.ClientError
					require.ErrorAs(t, operations[name](context.Background(), c), &e)
					synctest.Wait()
					p.pasvIP = "127.0.0.1"
					require.NoError(t, operations[name](context.Background(), c))
				})
			})
		}
	}
}

// Progress is told at the end, and never more often than ten times a second.
func TestClientProgress(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		var told []ftp.Progress
		p.config.Progress = func(at ftp.Progress) { told = append(told, at) }
		p.files["/a"] = file(string(large))
		c := p.client()
		_, err := c.GetContext(context.Background(), "/a", io.Discard, 16)
		require.NoError(t, err)
		size := int64(len(large))
		require.LessOrEqual(t, len(told), 3)
		assert.Equal(t, ftp.Progress{Name: "/a", Bytes: size, Size: size}, told[len(told)-1])
		told = nil
		_, err = c.PutContext(context.Background(), "/a", &slow{bytes.NewReader(large[:10])}, 0)
		require.NoError(t, err)
		assert.Equal(t, ftp.Progress{Name: "/a", Bytes: 10, Size: 10}, told[len(told)-1])
		assert.Len(t, told, 10)
		told = nil
		_, result := begun(p, func() *deferred.Deferred[ftp.Copied] { return c.Get("/a", io.Discard, 0) })
		require.NoError(t, (<-result).err)
		assert.NotEmpty(t, told, "on the loop, and before")
	})
}

// A file that comes at once is told of once, also an empty one, and one that is refused
// not at all.
func TestClientProgressIsNotRepeated(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		var told []ftp.Progress
		p.config.Progress = func(at ftp.Progress) { told = append(told, at) }
		p.files["/a"], p.files["/empty"] = file("hello"), file("")
		ctx, c := context.Background(), p.client()
		_, err := c.GetContext(ctx, "/a", io.Discard, 0)
		require.NoError(t, err)
		_, err = c.PutContext(ctx, "/b", strings.NewReader("hi"), 0)
		require.NoError(t, err)
		_, err = c.GetContext(ctx, "/empty", io.Discard, 0)
		require.NoError(t, err)
		_, err = c.GetContext(ctx, "/nosuch", io.Discard, 0)
		requireRefused(t, err, "RETR", 550)
		assert.Equal(t, []ftp.Progress{{Name: "/a", Bytes: 5, Size: 5}, {Name: "/b", Bytes: 2, Size: 2}, {Name: "/empty"}}, told)
	})
}

// A slow Reader takes a second for each byte.
type slow struct{ *bytes.Reader }

func (s *slow) Read(p []byte) (int, error) {
	<-time.After(time.Second)
	return s.Reader.Read(p[:1])
}

// A resumed connection for data has the session of the other.
func TestClientResumesTLS(t *testing.T) {
	inBubble(t, func(t *testing.T, p *play) {
		p.config.Security = ftp.TLSRequired
		p.files["/a"] = file("0123")
		resumed := 0
		p.resumed = func() { resumed++ }
		c := p.client()
		for range 3 {
			_, err := c.GetContext(context.Background(), "/a", io.Discard, 0)
			require.NoError(t, err)
			_, err = c.PutContext(context.Background(), "/b", strings.NewReader(""), 0)
			require.NoError(t, err)
		}
		assert.Equal(t, 6, resumed)
	})
}
