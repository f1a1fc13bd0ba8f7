package protocol

// As looks for ability T in x or in what x wraps: a Protocol's wrapper has an
// Inner method, a Transport's a Below method. A layer that changes bytes has
// neither, so a search ends there.
func As[T any](x any) (T, bool) {
	for x != nil {
		if t, ok := x.(T); ok {
			return t, true
		}
		switch w := x.(type) {
		case interface{ Inner() any }:
			x = w.Inner()
		case interface{ Below() Transport }:
			x = w.Below()
		default:
			x = nil
		}
	}
	var none T
	return none, false
}
