package ftp

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/protocoltest"
	"github.com/torsion-go/torsion/reactortest"
)

// What clients say and are answered, in every cut, where no data connection is needed.
func TestTranscripts(t *testing.T) {
	config := Config{Network: reactortest.NewMemory(reactortest.Config{Workers: -1})}
	f := config.New(BackendFunc(func(_ *Peer, user, password string) (*Account, error) {
		if user != "eve" || password != "sesame" {
			return nil, errors.New("nobody is to read this")
		}
		return &Account{Files: someFiles(), Allow: ReadWrite}, nil
	}))
	files, err := filepath.Glob("testdata/ftp/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { protocoltest.Transcript(t, f, file) })
	}
}

// someFiles are /a.txt and the empty folder /d.
func someFiles() Files {
	m := &Memory{Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }}
	u, err := m.Create("/a.txt", true)
	if err == nil {
		_, err = u.Write([]byte("hello"))
	}
	if err == nil {
		err = errors.Join(u.Commit(), m.Mkdir("/d"))
	}
	if err != nil {
		panic(err)
	}
	return m
}
