package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/reactortest"
)

// A counted loop tells of each call that has been posted.
type counted struct {
	*reactortest.Memory
	posted chan bool
}

func (c counted) Call(f func()) error {
	defer func() { c.posted <- true }()
	return c.Memory.Call(f)
}

// Lines come in the order of the names, and one slow name spoils no other.
func TestGather(t *testing.T) {
	m := counted{reactortest.NewMemory(reactortest.Config{}), make(chan bool, 3)}
	failed := make(chan bool)
	f := func(ctx context.Context, name string) ([]string, error) {
		switch name {
		case "good":
			<-failed // it answers last
			return []string{"192.0.2.1", "2001:db8::1"}, nil
		case "bad":
			close(failed)
			return nil, errors.New("no such host")
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	var got []string
	require.NoError(t, m.Memory.Call(func() {
		gather(m, f, time.Minute, []string{"good", "slow", "bad"}).Done(func(lines []string, err error) {
			assert.NoError(t, err)
			got = lines
		})
	}))
	m.Settle()
	<-m.posted
	<-m.posted
	m.Advance(time.Minute - 1)
	assert.Nil(t, got)
	m.Advance(1)
	assert.Equal(t, []string{"good: 192.0.2.1 2001:db8::1", "slow: no answer in time", "bad: no such host"}, got)
	<-m.posted // the slow one has been told to end
}
