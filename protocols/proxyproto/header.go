package proxyproto

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net"

	codec "github.com/pires/go-proxyproto"
)

// The longest headers: of version 1 with its CRLF, as the specification has it,
// and of version 2 what follows the fixed part, in which a certificate has room.
const (
	maxV1   = 107
	fixedV2 = 16
	maxV2   = 4 << 10
)

// addresses are what a header says; nil where it leaves the socket's.
type addresses struct{ source, destination net.Addr }

// headerLength returns the length of the header at the beginning of p, or 0 if p
// ends before that can be told or before the header does. Of one that is too long
// it is as much as shows that. The error is ErrNoHeader as soon as there is none.
func headerLength(p []byte) (n int, err error) {
	switch {
	case begins(p, codec.SIGV1):
		if n = bytes.IndexByte(p[:min(len(p), maxV1)], '\n') + 1; n == 0 && len(p) >= maxV1 {
			n = maxV1
		}
		return n, nil
	case !begins(p, codec.SIGV2):
		return 0, ErrNoHeader
	case len(p) < fixedV2:
		return 0, nil
	}
	n = fixedV2
	if rest := int(binary.BigEndian.Uint16(p[fixedV2-2:])); rest <= maxV2 {
		n += rest
	}
	if len(p) < n {
		return 0, nil
	}
	return n, nil
}

// begins reports whether p may be the beginning of what begins with signature.
func begins(p, signature []byte) bool {
	n := min(len(p), len(signature))
	return bytes.Equal(p[:n], signature[:n])
}

// parse reads a header of which headerLength gave the length. It may change it.
func parse(head []byte) (addresses, error) {
	r := bufio.NewReaderSize(bytes.NewReader(head), len(head)) // version 1 wants it in one piece
	h, err := codec.Read(r)
	if err == nil && h.Command.IsProxy() {
		err = check(h, head)
	}
	switch {
	case err != nil:
		return addresses{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	case h.Command.IsLocal():
		return addresses{}, nil
	}
	return addresses{h.SourceAddr, h.DestinationAddr}, nil
}

// check looks at what the codec lets pass: families that are none of connections,
// and what stands behind the addresses (section 2.2).
func check(h *codec.Header, head []byte) error {
	size := 0 // of the addresses
	switch h.TransportProtocol {
	case codec.TCPv4:
		size = 12
	case codec.TCPv6:
		size = 36
	case codec.UnixStream:
		size = 216
	default:
		return codec.ErrUnsupportedAddressFamilyAndProtocol
	}
	if h.Version == 1 {
		return nil
	}
	for at := fixedV2 + size; at < len(head); {
		tlv := head[at:]
		if len(tlv) < 3 || len(tlv) < 3+int(binary.BigEndian.Uint16(tlv[1:])) {
			return codec.ErrTruncatedTLV
		}
		n := 3 + int(binary.BigEndian.Uint16(tlv[1:]))
		if codec.PP2Type(tlv[0]) == codec.PP2_TYPE_CRC32C {
			if err := checkSum(head, tlv[3:n]); err != nil {
				return err
			}
		}
		at += n
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checkSum compares sum, which lies in the header, with the header's checksum. That
// is taken with zeros in its own place (section 2.2.3).
func checkSum(head, sum []byte) error {
	if len(sum) != 4 {
		return codec.ErrMalformedTLV
	}
	want := binary.BigEndian.Uint32(sum)
	clear(sum)
	if got := crc32.Checksum(head, castagnoli); got != want {
		return fmt.Errorf("checksum is %08x and should be %08x", want, got)
	}
	return nil
}
