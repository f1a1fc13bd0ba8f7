package protocol

import (
	"errors"
	"time"
)

// SetNoDelay asks below. The error is errors.ErrUnsupported where nobody can.
func (l *Layer) SetNoDelay(on bool) error {
	if t, ok := As[TCPTuner](l.Below); ok {
		return t.SetNoDelay(on)
	}
	return errors.ErrUnsupported
}

// SetKeepAlive asks below. The error is errors.ErrUnsupported where nobody can.
func (l *Layer) SetKeepAlive(idle time.Duration) error {
	if t, ok := As[TCPTuner](l.Below); ok {
		return t.SetKeepAlive(idle)
	}
	return errors.ErrUnsupported
}

// SetOOBInline asks below. The error is errors.ErrUnsupported where nobody can.
func (l *Layer) SetOOBInline(on bool) error {
	if t, ok := As[TCPTuner](l.Below); ok {
		return t.SetOOBInline(on)
	}
	return errors.ErrUnsupported
}

var _ TCPTuner = (*Layer)(nil)
