package ftp

import (
	"crypto/tls"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/torsion-go/torsion/reactortest"
)

// What cannot be served is a panic that says why, where the program is written and not
// where its first client is. Above all, nothing is in clear that was to be encrypted.
func TestNewPanicsOnMistakes(t *testing.T) {
	n := reactortest.NewMemory(reactortest.Config{})
	for want, c := range map[string]Config{
		"ftp: a Config needs a Network": {},
		"ftp: ImplicitTLS needs TLS":    {Network: n, ImplicitTLS: true},
		"ftp: RequireTLS needs TLS":     {Network: n, RequireTLS: true},
		"ftp: RequireReuse needs TLS":   {Network: n, RequireReuse: true},
		wrongPorts("40100 and 40000"):   {Network: n, PassiveMin: 40100, PassiveMax: 40000},
		wrongPorts("40100 and 0"):       {Network: n, PassiveMin: 40100},
		wrongPorts("0 and 40100"):       {Network: n, PassiveMax: 40100},
		wrongPorts("1023 and 1024"):     {Network: n, PassiveMin: 1023, PassiveMax: 1024},
	} {
		assert.PanicsWithValue(t, want, func() { c.New(Users{}) })
	}
	for _, b := range []Backend{nil, BackendFunc(nil)} {
		assert.PanicsWithValue(t, "ftp: New needs a Backend, and was given nil", func() { Config{Network: n}.New(b) })
	}
	assert.NotPanics(t, func() {
		Config{Network: n, PassiveMin: 1024, PassiveMax: 1024}.New(Users(nil))
		Config{Network: n, TLS: &tls.Config{}, ImplicitTLS: true, RequireTLS: true, RequireReuse: true}.New(Users{})
	})
}

func wrongPorts(are string) string {
	return "ftp: PassiveMin and PassiveMax are " + are + ": set neither, or both, from 1024 on, the lower first"
}
