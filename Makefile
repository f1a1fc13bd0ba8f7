# make: format, vet and test. The rest is below; .ci/run runs all of it.
T = 30s

all: fmt vet test

fmt:
	gofmt -l -w .

vet:
	go vet ./...
	go tool -modfile=tools/go.mod staticcheck ./...

test:
	go test ./...

race:
	go test -race ./...

# Each fuzz target in turn, T long.
fuzz:
	.ci/fuzz $(T)

# What knows no sockets must compile where there is no poller.
portable:
	.ci/portable

bench:
	bench/run

interop:
	go -C interop test -count=1 ./...

# How long the functions and files are.
shape:
	go -C tools run ./shape ..

.PHONY: all fmt vet test race fuzz portable bench interop shape
