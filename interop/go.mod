module github.com/torsion-go/torsion/interop

go 1.26.0

require (
	github.com/jlaffaye/ftp v0.2.4
	github.com/stretchr/testify v1.12.1
	github.com/torsion-go/torsion v0.0.0
	golang.org/x/net v0.62.0
)

require (
	github.com/emersion/go-sasl v0.0.0-20241020182733-b788ff22d5a6
	github.com/emersion/go-smtp v0.25.1
	github.com/panjf2000/gnet/v2 v2.10.0 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	go.uber.org/zap v1.28.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/time v0.16.0 // indirect
	gopkg.in/natefinch/lumberjack.v2 v2.2.1 // indirect
)

replace github.com/torsion-go/torsion => ..
