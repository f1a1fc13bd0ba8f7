package netstring

import "github.com/torsion-go/torsion/protocols/internal/framing"

// format is the grammar. It never changes.
var format = framing.Format{
	Step: step,
	End:  ",",

	TooLong:   ErrTooLong,
	Malformed: ErrMalformed,
	Truncated: ErrTruncated,
}

// maxDigits is how many digits always fit into 64 bits. No netstring is so long
// that it needs more.
const maxDigits = 19

// step reads on in a length of which p knows the beginning.
func step(p *framing.Prefix, b []byte) (whole bool, err error) {
	for _, c := range b {
		switch {
		case c == ':' && p.Size > 0:
			p.Size++
			return true, nil
		case c < '0' || c > '9',
			p.Size == 1 && p.Length == 0, // a leading zero
			p.Size == maxDigits:
			return false, ErrMalformed
		}
		p.Length = 10*p.Length + uint64(c-'0')
		p.Size++
	}
	return false, nil
}
