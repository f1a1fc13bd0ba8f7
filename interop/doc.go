// Package interop has no code but tests: our example programs against programs of
// others, which "install" installs, and our connections against x/net's suite for
// connections.
//
//	go -C interop test ./...
//
// A test whose counterpart is missing is skipped, or fails if CI is set. Option -short
// leaves out what takes a minute.
package interop
