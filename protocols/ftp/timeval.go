package ftp

import "time"

// timeVal is how Go writes the time-val of RFC 3659 section 2.3, always UTC.
const timeVal = "20060102150405"

var (
	earliest = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
)

// fourDigits is a time whose year has four digits. File systems know others.
func fourDigits(t time.Time) time.Time {
	t = t.UTC()
	switch {
	case t.Before(earliest):
		return earliest
	case t.After(latest):
		return latest
	}
	return t
}

// appendTimeVal appends a time-val of whole seconds: some clients know no others.
func appendTimeVal(b []byte, t time.Time) []byte {
	return fourDigits(t).AppendFormat(b, timeVal)
}

// parseTimeVal reads a time-val: 14 digits, and perhaps a dot and more; what is smaller
// than a nanosecond is left out. A leap second is the second after it.
func parseTimeVal(s string) (t time.Time, ok bool) {
	if len(s) < len(timeVal) {
		return t, false
	}
	whole, fraction := s[:len(timeVal)], s[len(timeVal):]
	nanos, ok := parseFraction(fraction)
	if !ok {
		return t, false
	}
	leap := time.Duration(0)
	if whole[12:] == "60" {
		whole, leap = whole[:12]+"59", time.Second
	}
	t, err := time.Parse(timeVal, whole)
	return t.Add(leap + nanos), err == nil
}

// parseFraction reads a dot and digits, or nothing.
func parseFraction(s string) (d time.Duration, ok bool) {
	if s == "" {
		return 0, true
	}
	if s[0] != '.' || len(s) == 1 {
		return 0, false
	}
	unit := time.Second
	for _, c := range []byte(s[1:]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		unit /= 10
		d += unit * time.Duration(c-'0')
	}
	return d, true
}
