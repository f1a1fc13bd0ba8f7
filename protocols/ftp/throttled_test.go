package ftp_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/torsion-go/torsion/factory"
	"github.com/torsion-go/torsion/protocols/ftp"
	"github.com/torsion-go/torsion/reactortest"
)

// A throttle outside of TLS stops the clock of what is transferred inside, too.
func TestThrottleOverTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := reactortest.NewMemory(reactortest.Config{Logger: slog.New(slog.DiscardHandler)})
		p := over(t, r)
		throttle := &factory.Throttle{Read: 4000}
		server := ftp.Config{Network: r, TLS: p.serverTLS, RequireTLS: true, Data: throttle.Around, TransferTimeout: 10 * time.Second}
		port, err := r.Listen("tcp", "127.0.0.1:0", server.New(ftp.Users{
			"ann": {Password: "sesame", Account: ftp.Account{Files: &ftp.Memory{}, Allow: ftp.ReadWrite}},
		}))
		require.NoError(t, err)
		p.config.Addr, p.config.Security, p.config.User, p.config.Password = port.Addr().String(), ftp.TLSRequired, "ann", "sesame"
		c, began := p.client(), time.Now()
		stop := ticking(r)
		sent, err := c.PutContext(context.Background(), "/a", strings.NewReader(strings.Repeat("x", 200_000)), 0)
		stop()
		require.NoError(t, err)
		assert.EqualValues(t, 200_000, sent.Bytes)
		assert.Greater(t, time.Since(began), 25*time.Second, "but for what came with the end")
	})
}

// ticking has the reactor's time go on with that of the bubble.
func ticking(r *reactortest.Memory) (stop func()) {
	end, ended := make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		for {
			select {
			case <-time.After(time.Second):
				r.Advance(time.Second)
			case <-end:
				return
			}
		}
	}()
	return func() { close(end); <-ended }
}
