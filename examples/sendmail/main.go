// Sendmail sends the message on its standard input.
//
//	go build ./examples/sendmail
//	printf 'Subject: hi\n\nHow are you?\n' |
//		./sendmail -connect 127.0.0.1:2525 -starttls none -from ann@example.com -to bob@example.org
//
// TLS is required unless it is told otherwise, and a server whose certificate nobody has
// signed is trusted if it has written that down. In one terminal, and then in another:
//
//	go run ./examples/smtp -tls-self-signed -tls-write /tmp/smtp.pem
//	printf 'Subject: hi\n\nHow are you?\n' | ./sendmail -tls-ca /tmp/smtp.pem -from ann@example.com -to bob@example.org
//
// Its exit status is one of sysexits(3), and says whether it helps to try again: 0 is
// accepted for all, 64 a wrong flag, 66 no message, 67 nobody of that name, 68 no such
// host, 69 refused for good, 74 lost sight of at its end (perhaps accepted), 75 not now,
// 76 no mail server there, 77 a password that is wrong, or would be told in clear. (By go
// run it is 1, whatever the program says.)
//
// Standard error names each recipient who has not got the message, in quotes, and behind
// them the flag that decides, if one does. Others may have it: who sends it again, at 75 or
// any other, should send it to those only, or it comes twice.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/torsion-go/torsion/protocols/smtp"
	"github.com/torsion-go/torsion/reactor"
)

func main() {
	var config smtp.ClientConfig
	var m smtp.Mail
	switch err := parse(os.Args[1:], &config, &m); {
	case err == nil:
		os.Exit(send(config, m))
	case !errors.Is(err, flag.ErrHelp):
		os.Exit(exUsage)
	}
}

// send ends when there is a reply to the message, or at SIGINT or SIGTERM.
func send(config smtp.ClientConfig, m smtp.Mail) (status int) {
	body, err := spool(os.Stdin) // nobody waits for a context there: a signal just ends the program
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return unspooled(err)
	}
	defer body.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exTempFail
	}
	config.Network, m.Body = r, body
	err = r.Call(func() {
		smtp.Send(config, m).Done(func(result smtp.Result, err error) {
			status = tell(&config, result, err)
			r.Stop()
		})
	})
	if err = errors.Join(err, r.Run(ctx)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exTempFail
	}
	return status
}
