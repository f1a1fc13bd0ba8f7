package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/torsion-go/torsion/protocol"
)

// Handlers run on goroutines of net/http. They ask the loop, and wait for its answer.

func (t *table) list(w http.ResponseWriter, req *http.Request) {
	lines, err := protocol.Ask(req.Context(), t.loop, func() (lines []string) {
		for _, key := range t.keys() {
			lines = append(lines, t.show(key))
		}
		return lines
	})
	if err != nil {
		refuse(w, err)
	}
	for _, l := range lines {
		fmt.Fprintln(w, l)
	}
}

func (t *table) get(w http.ResponseWriter, req *http.Request) {
	value, err := protocol.Ask(req.Context(), t.loop, func() *string {
		if v, known := t.values[req.PathValue("key")]; known {
			return &v
		}
		return nil
	})
	switch {
	case err != nil:
		refuse(w, err)
	case value == nil:
		refuse(w, errNone)
	default:
		fmt.Fprintln(w, *value)
	}
}

func (t *table) put(w http.ResponseWriter, req *http.Request) {
	value, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxValue))
	if err != nil {
		refuse(w, err)
		return
	}
	t.change(w, req, func(key string) error { return t.set(key, string(value)) })
}

func (t *table) del(w http.ResponseWriter, req *http.Request) { t.change(w, req, t.remove) }

// change has the loop change the table.
func (t *table) change(w http.ResponseWriter, req *http.Request, f func(key string) error) {
	refused, err := protocol.Ask(req.Context(), t.loop, func() error { return f(req.PathValue("key")) })
	if err = errors.Join(err, refused); err != nil {
		refuse(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, errNone):
		status = http.StatusNotFound
	case errors.Is(err, errFull):
		status = http.StatusInsufficientStorage
	case errors.Is(err, protocol.ErrStopped):
		status = http.StatusServiceUnavailable
	}
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		status, err = http.StatusRequestEntityTooLarge, errLong
	}
	http.Error(w, err.Error(), status)
}
