package protocol

import "log/slog"

// LoggerOf returns the logger of l if it has one, as the loops of this module do, or
// slog.Default. It may be called from anywhere.
func LoggerOf(l Loop) *slog.Logger {
	if h, ok := l.(interface{ Logger() *slog.Logger }); ok {
		return h.Logger()
	}
	return slog.Default()
}
