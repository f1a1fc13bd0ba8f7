package intn

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/torsion-go/torsion/protocols/internal/framing"
)

// A format is one way to write a length, in both directions. It never changes.
type format struct {
	framing.Format
	most   uint64 // that the prefix can count
	append func(b []byte, length uint64) []byte
}

var (
	int8Bits  = newFormat(math.MaxUint8, bigEndian(1), func(b []byte, n uint64) []byte { return append(b, byte(n)) })
	int16Bits = newFormat(math.MaxUint16, bigEndian(2), func(b []byte, n uint64) []byte {
		return binary.BigEndian.AppendUint16(b, uint16(n))
	})
	int16Little = newFormat(math.MaxUint16, littleEndian(2), func(b []byte, n uint64) []byte {
		return binary.LittleEndian.AppendUint16(b, uint16(n))
	})
	int32Bits = newFormat(math.MaxUint32, bigEndian(4), func(b []byte, n uint64) []byte {
		return binary.BigEndian.AppendUint32(b, uint32(n))
	})
	int32Little = newFormat(math.MaxUint32, littleEndian(4), func(b []byte, n uint64) []byte {
		return binary.LittleEndian.AppendUint32(b, uint32(n))
	})
	varints = newFormat(math.MaxUint64, varint, binary.AppendUvarint)
)

func newFormat(most uint64, step step, add func([]byte, uint64) []byte) *format {
	return &format{
		Format: framing.Format{Step: step, TooLong: ErrTooLong, Malformed: ErrMalformed, Truncated: ErrTruncated},
		most:   most,
		append: add,
	}
}

func (c Config) format() *format {
	switch {
	case c.Prefix == Int8:
		return int8Bits
	case c.Prefix == Int16 && c.LittleEndian:
		return int16Little
	case c.Prefix == Int16:
		return int16Bits
	case c.Prefix == Int32 && c.LittleEndian:
		return int32Little
	case c.Prefix == Int32:
		return int32Bits
	case c.Prefix == Varint:
		return varints
	}
	panic(fmt.Sprintf("intn: there is no Prefix %d", c.Prefix))
}

// A step reads on in a prefix, as framing.Format says.
type step = func(p *framing.Prefix, b []byte) (whole bool, err error)

func bigEndian(size int) step {
	return func(p *framing.Prefix, b []byte) (bool, error) {
		for _, c := range b[:min(len(b), size-p.Size)] {
			p.Length = p.Length<<8 | uint64(c)
			p.Size++
		}
		return p.Size == size, nil
	}
}

func littleEndian(size int) step {
	return func(p *framing.Prefix, b []byte) (bool, error) {
		for _, c := range b[:min(len(b), size-p.Size)] {
			p.Length |= uint64(c) << (8 * p.Size)
			p.Size++
		}
		return p.Size == size, nil
	}
}

func varint(p *framing.Prefix, b []byte) (whole bool, err error) {
	for _, c := range b {
		switch {
		case p.Size > 0 && c == 0, // the byte before said that this is needed
			p.Size == binary.MaxVarintLen64-1 && c > 1: // what is left of 64 bits is one
			return false, ErrMalformed
		}
		p.Length |= uint64(c&0x7f) << (7 * p.Size)
		p.Size++
		if c < 0x80 {
			return true, nil
		}
	}
	return false, nil
}
