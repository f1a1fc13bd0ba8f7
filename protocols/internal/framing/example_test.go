package framing_test

import (
	"errors"
	"fmt"

	"github.com/torsion-go/torsion/protocols/internal/framing"
)

// One digit counts the bytes behind it.
func digit(p *framing.Prefix, b []byte) (whole bool, err error) {
	if b[0] < '0' || b[0] > '9' {
		return false, errors.New("no digit")
	}
	p.Length, p.Size = uint64(b[0]-'0'), 1
	return true, nil
}

func Example() {
	s := framing.Splitter{Format: &framing.Format{Step: digit}}
	for _, data := range []string{"3one3tw", "o5th", "ree?"} {
		s.Feed([]byte(data))
		for s.Next() {
			fmt.Printf("%s\n", s.Body())
		}
	}
	fmt.Println(s.Err())
	// Output:
	// one
	// two
	// three
	// no digit
}
