package main

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/torsion-go/torsion/protocol"
	"github.com/torsion-go/torsion/protocols/group"
)

// A table is keys with values, and those who watch it. What is in it belongs to one
// loop: no lock is needed. Goroutines ask the loop, see web.go.
type table struct {
	loop     protocol.Loop
	values   map[string]string
	watchers group.Group
}

func newTable(l protocol.Loop) *table { return &table{loop: l, values: make(map[string]string)} }

const (
	maxKeys  = 100
	maxValue = 256 // bytes
)

var (
	errName = errors.New("a key is 1 to 64 letters, digits, dots, dashes and underscores")
	errLong = fmt.Errorf("a value has at most %d bytes", maxValue)
	errFull = fmt.Errorf("there are %d keys already", maxKeys)
	errNone = errors.New("there is no such key")
)

var name = regexp.MustCompile(`^[\w.-]{1,64}$`)

// set sets a value, and tells everybody.
func (t *table) set(key, value string) error {
	_, known := t.values[key]
	switch {
	case !name.MatchString(key):
		return errName
	case len(value) > maxValue:
		return errLong
	case !known && len(t.values) == maxKeys:
		return errFull
	}
	t.values[key] = value
	t.watchers.Send([]byte(t.show(key) + "\r\n"))
	return nil
}

// remove does the opposite.
func (t *table) remove(key string) error {
	if _, known := t.values[key]; !known {
		return errNone
	}
	delete(t.values, key)
	t.watchers.Send([]byte(key + " is gone\r\n"))
	return nil
}

// show formats a value so that it does no harm to a terminal.
func (t *table) show(key string) string { return fmt.Sprintf("%s = %q", key, t.values[key]) }

func (t *table) keys() []string { return slices.Sorted(maps.Keys(t.values)) }
