package telnet_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/protocols/line"
	"github.com/torsion-go/torsion/protocols/telnet"
	"github.com/torsion-go/torsion/protocoltest"
)

const subject = telnet.Option(200)

// A party is one whose option is negotiated, with the words for it.
type party struct {
	name              string
	heardYes, heardNo byte
	sayYes, sayNo     byte
	want, wantNot     func(c *telnet.Conn, o telnet.Option)
	does              func(c *telnet.Conn, o telnet.Option) bool
	agreeing          telnet.Config
}

var parties = []party{
	{
		name: "ours", heardYes: 253, heardNo: 254, sayYes: 251, sayNo: 252,
		want: (*telnet.Conn).Will, wantNot: (*telnet.Conn).Wont, does: (*telnet.Conn).We,
		agreeing: telnet.Config{Grant: []telnet.Option{subject}},
	},
	{
		name: "theirs", heardYes: 251, heardNo: 252, sayYes: 253, sayNo: 254,
		want: (*telnet.Conn).Do, wantNot: (*telnet.Conn).Dont, does: (*telnet.Conn).They,
		agreeing: telnet.Config{Accept: []telnet.Option{subject}},
	},
}

func word(verb byte) string { return string([]byte{255, verb, byte(subject)}) }

// happens has us want the option (w) or not (d), or hear yes (y) or no (n).
func (p *party) happens(tr *protocoltest.Transport, s *session, what rune) {
	switch what {
	case 'w':
		tr.Do(func() { p.want(telnet.Of(s.Conn), subject) })
	case 'd':
		tr.Do(func() { p.wantNot(telnet.Of(s.Conn), subject) })
	case 'y':
		tr.Receive(word(p.heardYes))
	case 'n':
		tr.Receive(word(p.heardNo))
	}
}

// A cell is what is said, "+" for yes and "-" for no, and whether the option is in
// use then.
type cell struct {
	says string
	used bool
}

// RFC 1143, section 7, for both sides: each thing that can happen, in each state,
// to which the letters lead.
func TestRFC1143(t *testing.T) {
	states := [...]string{"", "wy", "wyd", "wydw", "w", "wd"}
	for name, row := range map[string]struct {
		event  rune
		agreed bool
		cells  [len(states)]cell // NO, YES, WANTNO EMPTY and OPPOSITE, WANTYES EMPTY and OPPOSITE
	}{
		"yes, agreed":     {'y', true, [...]cell{{"+", true}, {"", true}, {"", false}, {"", true}, {"", true}, {"-", true}}},
		"yes, not agreed": {'y', false, [...]cell{{"-", false}, {"", true}, {"", false}, {"", true}, {"", true}, {"-", true}}},
		"no":              {'n', true, [...]cell{{"", false}, {"-", false}, {"", false}, {"+", false}, {"", false}, {"", false}}},
		"we want":         {'w', true, [...]cell{{"+", false}, {"", true}, {"", true}, {"", true}, {"", false}, {"", false}}},
		"we do not":       {'d', true, [...]cell{{"", false}, {"-", true}, {"", true}, {"", true}, {"", false}, {"", false}}},
	} {
		for i, want := range row.cells {
			for _, p := range parties {
				where, s, config := fmt.Sprintf("%s: %s after %q", p.name, name, states[i]), &session{}, telnet.Config{}
				if row.agreed {
					config = p.agreeing
				}
				tr := protocoltest.Connect(config.New(line.New(s)))
				for _, what := range states[i] {
					p.happens(tr, s, what)
				}
				tr.Take()
				p.happens(tr, s, row.event)
				says := map[string]string{"+": word(p.sayYes), "-": word(p.sayNo)}[want.says]
				assert.Equal(t, says, tr.Take(), where)
				tr.Do(func() { assert.Equal(t, want.used, p.does(telnet.Of(s.Conn), subject), where) })
			}
		}
	}
}
