package secure_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Types of records, and the handshake message KeyUpdate that asks for an answer
// (RFC 8446, sections 5.1 and 4.6.3).
const (
	alertRecord     = 21
	handshakeRecord = 22
	dataRecord      = 23

	keyUpdate = "\x18\x00\x00\x01\x01"
)

// A forger writes records in the name of one side of a connection whose handshake is
// done, with whatever in them: crypto/tls itself sends nothing that is wrong.
type forger struct {
	version uint16
	aead    cipher.AEAD
	iv      []byte
	seq     uint64
	hash    func() hash.Hash
	secret  []byte // TLS 1.3
	keySize int
}

// forge returns a forger of the client or the server, from what crypto/tls has logged
// about the connection (Config.KeyLogWriter) and the server's random.
func forge(t *testing.T, state tls.ConnectionState, log, side string, serverRandom []byte) *forger {
	t.Helper()
	f := &forger{version: state.Version, hash: sha256.New, keySize: 16}
	switch state.CipherSuite {
	case tls.TLS_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:
	case tls.TLS_AES_256_GCM_SHA384:
		f.hash, f.keySize = sha512.New384, 32
	default:
		t.Skip("no forger of ", tls.CipherSuiteName(state.CipherSuite))
	}
	for l := range strings.Lines(log) {
		words := strings.Fields(l)
		secret, err := hex.DecodeString(words[2])
		require.NoError(t, err)
		switch words[0] {
		case side + "_TRAFFIC_SECRET_0":
			f.setSecret(secret)
			return f
		case "CLIENT_RANDOM":
			random, err := hex.DecodeString(words[1])
			require.NoError(t, err)
			f.setMaster(secret, append(serverRandom, random...), side)
			return f
		}
	}
	t.Fatalf("no secret of %s in %q", side, log)
	return nil
}

// setSecret derives the keys of TLS 1.3 (RFC 8446, section 7.3).
func (f *forger) setSecret(secret []byte) {
	f.secret, f.seq = secret, 0
	f.iv = f.expand("iv", 12)
	f.setKey(f.expand("key", f.keySize))
}

func (f *forger) expand(label string, n int) []byte {
	label = "tls13 " + label
	info := string([]byte{0, byte(n), byte(len(label))}) + label + "\x00"
	out, err := hkdf.Expand(f.hash, f.secret, info, n)
	if err != nil {
		panic(err)
	}
	return out
}

// update is what follows a KeyUpdate.
func (f *forger) update() { f.setSecret(f.expand("traffic upd", f.hash().Size())) }

// setMaster derives the keys of TLS 1.2 (RFC 5246, sections 5 and 6.3; RFC 5288).
func (f *forger) setMaster(master, random []byte, side string) {
	sum := func(parts ...[]byte) []byte {
		m := hmac.New(f.hash, master)
		m.Write(bytes.Join(parts, nil))
		return m.Sum(nil)
	}
	seed := append([]byte("key expansion"), random...)
	var block []byte
	for a := sum(seed); len(block) < 2*f.keySize+8; a = sum(a) {
		block = append(block, sum(a, seed)...)
	}
	n := 0
	if side == "SERVER" {
		n = 1
	}
	f.setKey(block[n*f.keySize:][:f.keySize])
	f.iv = block[2*f.keySize+4*n:][:4]
	f.seq = 1 // behind Finished
}

func (f *forger) setKey(key []byte) {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	if f.aead, err = cipher.NewGCM(block); err != nil {
		panic(err)
	}
}

// record returns the next record.
func (f *forger) record(kind byte, content string) string {
	seq := binary.BigEndian.AppendUint64(nil, f.seq)
	f.seq++
	if f.version == tls.VersionTLS13 {
		nonce := bytes.Clone(f.iv)
		for i, b := range seq {
			nonce[4+i] ^= b
		}
		header := binary.BigEndian.AppendUint16([]byte{dataRecord, 3, 3}, uint16(len(content)+1+f.aead.Overhead()))
		return string(f.aead.Seal(header, nonce, append([]byte(content), kind), header))
	}
	about := binary.BigEndian.AppendUint16(append(seq, kind, 3, 3), uint16(len(content)))
	sealed := f.aead.Seal(nil, append(bytes.Clone(f.iv), seq...), []byte(content), about)
	header := binary.BigEndian.AppendUint16([]byte{kind, 3, 3}, uint16(8+len(sealed)))
	return string(header) + string(seq) + string(sealed)
}

// asking is n KeyUpdates that ask for an answer, with a byte behind each.
func (f *forger) asking(n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(f.record(handshakeRecord, keyUpdate))
		f.update()
		b.WriteString(f.record(dataRecord, "x"))
	}
	return b.String()
}
