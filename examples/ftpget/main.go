// Ftpget moves files between here and an FTP server.
//
//	go run ./examples/ftpget -connect 127.0.0.1:2121 -tls none get /README.md /tmp/copy # from go run ./examples/ftp -root . -anonymous
//	go run ./examples/ftpget -connect ftp.example.com:21 -user ann -resume mirror /photos photos
//
// TLS is required unless it is told otherwise, and a server whose certificate nobody has
// signed is trusted if it has written that down. In one terminal, and then in another:
//
//	go run ./examples/ftp -root . -anonymous -tls-self-signed -tls-write /tmp/ftp.pem
//	go run ./examples/ftpget -tls-ca /tmp/ftp.pem list
//
// A file that was not fetched whole is not there under its name; what -resume keeps of it
// is called NAME.ftpget. Its exit status is one of sysexits(3), and says whether it helps to try again: 0 is done, 64 a wrong flag, 66
// no such file here, 68 no such host, 69 refused for good, 73 cannot be written here, 74
// not the right size, 75 not now, 76 no FTP server there, 77 a password that is wrong, or
// would be told in clear.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/torsion-go/torsion/protocols/ftp"
	"github.com/torsion-go/torsion/reactor"
)

func main() {
	var config ftp.ClientConfig
	var o order
	switch err := parse(os.Args[1:], &config, &o); {
	case err == nil:
		os.Exit(run(config, o))
	case !errors.Is(err, flag.ErrHelp):
		os.Exit(exUsage)
	}
}

// run ends when the order is carried out, or given up at SIGINT or SIGTERM.
func run(config ftp.ClientConfig, o order) (status int) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exTempFail
	}
	line := newProgress(os.Stderr)
	config.Network, config.Progress = r, line.show
	go func() {
		defer r.Stop()
		client := config.New()
		defer client.Close()
		err := verbs[o.verb].do(&job{order: o, ctx: ctx, client: client})
		line.end()
		if status = tell(&config, err); status == 0 {
			_ = client.QuitContext(ctx) // all was done
		}
	}()
	if err = r.Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exTempFail
	}
	return status
}
