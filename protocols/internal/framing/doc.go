// Package framing is what the framings of this module have in common: a
// [Receiver] that hands up messages while its connection reads, and, for those
// whose messages announce their length, a [Splitter] and the [Strings] that
// joins the two.
package framing
