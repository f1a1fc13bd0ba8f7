package secure_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/secure"
	"github.com/torsion-go/torsion/protocols/telnet"
	"github.com/torsion-go/torsion/protocoltest"
)

// allocated returns how many bytes f has allocated, of which what is kept is a part.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// feed has tr receive the pieces, and ends what is left of the connection.
func feed(tr *protocoltest.Transport, pieces ...string) (sent string, reason error) {
	for _, p := range pieces {
		tr.Receive(p)
	}
	reason = tr.Lost()
	sent = tr.Take()
	tr.Do(tr.Abort)
	return sent, reason
}

// Whatever a client says first, in one piece or byte by byte: the same comes of it, it
// costs little, and no protocol is built for it.
func FuzzServerHandshake(f *testing.F) {
	for _, c := range []*tls.Config{clientTLS, version(clientTLS, tls.VersionTLS12), {InsecureSkipVerify: true, NextProtos: []string{"a"}}} {
		tr := protocoltest.Connect(over(secure.Config{Client: c}, &session{}))
		hello := tr.Take()
		tr.Do(tr.Abort)
		f.Add(hello)
		f.Add(hello[:100])
		f.Add(hello + hello)
		f.Add(hello + "\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x04abcd")
	}
	f.Add("GET / HTTP/1.1\r\n\r\n")
	f.Add("\x80\x2e\x01\x00\x02\x00\x15")
	f.Add("\x15\x03\x01\x00\x02\x01\x00\x16\x03\x01\x00\x00")
	f.Add("\x16\x03\x01\x00\x04\x01\xff\xff\xff")
	f.Fuzz(func(t *testing.T, in string) {
		if len(in) > 4<<10 {
			return
		}
		server := &session{}
		var sent string
		var reason error
		n := allocated(func() { sent, reason = feed(protocoltest.Connect(over(serverSide, server)), in) })
		require.Less(t, n, 1<<20)
		var failed *secure.HandshakeError
		if reason != nil {
			require.ErrorAs(t, reason, &failed)
		}
		sent2, reason2 := feed(protocoltest.Connect(over(serverSide, server)), strings.Split(in, "")...)
		require.Equal(t, fmt.Sprint(reason), fmt.Sprint(reason2))
		require.Equal(t, sent == "", sent2 == "")
		require.Empty(t, server.heard)
	})
}

// A session is told what its client has said and no more, whatever is done to the
// records: what was changed ends it, in one piece or byte by byte.
func FuzzRecords(f *testing.F) {
	f.Add([]byte(nil), true, uint16(0xffff))
	f.Add([]byte{0, 3, 1}, false, uint16(0xffff))
	f.Add([]byte{1, 0, 2, 2, 4, 0x80}, true, uint16(100))
	f.Add([]byte{3, 7, 1, 2, 3, 0x7f}, false, uint16(60))
	f.Fuzz(func(t *testing.T, edits []byte, v13 bool, cut uint16) {
		if len(edits) > 30 {
			return
		}
		v := uint16(tls.VersionTLS12)
		if v13 {
			v = tls.VersionTLS13
		}
		const said = "one two three four and the end"
		play := func(size int) (heard string, reason error, whole bool) {
			server := &session{keep: true}
			tr, w, conn := foreignClient(t, over(serverSide, server), version(clientTLS, v))
			var records [][]byte
			w.sent = func(p []byte) []byte { records = append(records, append([]byte(nil), p...)); return nil }
			for s := range strings.SplitAfterSeq(said, " ") {
				conn.Write([]byte(s))
			}
			conn.CloseWrite()
			changed := edit(records, edits)
			var all strings.Builder
			for _, r := range records {
				all.Write(r)
			}
			in := all.String()
			in, whole = in[:min(len(in), int(cut))], !changed && len(in) <= int(cut)
			for in != "" {
				n := min(len(in), size)
				tr.Receive(in[:n])
				in = in[n:]
			}
			tr.EOF()
			heard, reason = server.take(), tr.Lost()
			tr.Do(tr.Abort)
			return heard, reason, whole
		}
		heard, reason, whole := play(1 << 20)
		text := strings.TrimPrefix(heard, "made, secured")
		if whole {
			require.Equal(t, ", data "+said+", eof", text)
			require.NoError(t, reason)
		} else {
			text = strings.TrimSuffix(strings.TrimSuffix(text, ", lost"), ", eof")
			require.True(t, strings.HasPrefix(said, strings.TrimPrefix(text, ", data ")), heard)
		}
		heard2, reason2, _ := play(1)
		require.Equal(t, heard, heard2)
		require.Equal(t, fmt.Sprint(reason), fmt.Sprint(reason2))
	})
}

// edit changes bytes of records: each three bytes of edits are which record, which byte,
// and how. It reports whether that came to any change.
func edit(records [][]byte, edits []byte) (changed bool) {
	sum := map[[2]int]byte{}
	for ; len(edits) >= 3; edits = edits[3:] {
		n := int(edits[0]) % len(records)
		i := int(edits[1]) % len(records[n])
		records[n][i] ^= edits[2]
		sum[[2]int{n, i}] ^= edits[2]
	}
	for _, x := range sum {
		changed = changed || x != 0
	}
	return changed
}

// Nothing that was said in clear behind the command is heard, in one piece or byte by
// byte, through telnet or not, and nothing that was to be said over TLS leaves in clear.
func FuzzStartTLS(f *testing.F) {
	for _, s := range []string{"", "QUIT\r\n", "\r", "\xff", "\xff\xfd\x01", "\x16\x03\x01\x00\x05hello"} {
		f.Add("EHLO\r\n", s, true)
		f.Add("", s, false)
		f.Add("\xff\xfb\x18PAUSE\r\nSTARTTLS\r\n", s, true)
	}
	f.Fuzz(func(t *testing.T, before, behind string, overTelnet bool) {
		if len(before)+len(behind) > 1<<10 {
			return
		}
		play := func(pieces ...string) (m *mailer, sent string, reason error) {
			m = &mailer{}
			p := line.New(m)
			if overTelnet {
				p = telnet.Config{}.New(p)
			}
			tr := protocoltest.Connect(offering(serverSide, p))
			for _, piece := range pieces {
				tr.Receive(piece)
			}
			tr.Do(func() { m.ResumeReading() })
			sent, reason = feed(tr)
			return m, sent, reason
		}
		in := before + "STARTTLS\r\n" + behind
		check := func(m *mailer, sent string, reason error) {
			for i, l := range m.heard {
				require.True(t, l != "secured" && (l != "STARTTLS" || i == len(m.heard)-1), "%q", m.heard)
			}
			require.NotContains(t, sent, "hello\r\n")
			var failed *secure.HandshakeError
			ok := reason == nil || errors.Is(reason, secure.ErrPlaintextInjected) || errors.As(reason, &failed)
			require.True(t, ok, "%v", reason)
			if m.err != nil {
				require.Equal(t, secure.ErrPlaintextInjected, m.err)
				require.NotContains(t, sent, "220")
			}
		}
		m, sent, reason := play(in)
		check(m, sent, reason)
		m2, sent, reason := play(strings.Split(in, "")...)
		check(m2, sent, reason)
		require.Equal(t, m.heard, m2.heard)
	})
}
