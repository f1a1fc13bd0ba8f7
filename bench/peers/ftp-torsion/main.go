// ftp-torsion: our server for one user, who may do all in one folder.
//
//	ftp-torsion PORT FOLDER CERTIFICATE LOW HIGH
package main

import (
	"context"
	"crypto/tls"
	"log"
	"os"
	"strconv"

	"github.com/torsion-go/torsion/protocols/ftp"
	"github.com/torsion-go/torsion/reactor"
)

func main() {
	low, _ := strconv.ParseUint(os.Args[4], 10, 16) // 0: any port
	high, _ := strconv.ParseUint(os.Args[5], 10, 16)
	if err := serve(os.Args[1], os.Args[2], os.Args[3], uint16(low), uint16(high)); err != nil {
		log.Fatal(err)
	}
}

func serve(port, folder, pem string, low, high uint16) error {
	cert, err := tls.LoadX509KeyPair(pem, pem)
	if err != nil {
		return err
	}
	r, err := reactor.New(reactor.Config{})
	if err != nil {
		return err
	}
	users := ftp.Users{"anonymous": {AnyPassword: true, Account: ftp.Account{Files: &ftp.Root{Dir: folder}, Allow: ftp.ReadWrite}}}
	config := ftp.Config{Network: r, TLS: &tls.Config{Certificates: []tls.Certificate{cert}}, PassiveMin: low, PassiveMax: high}
	if _, err := r.Listen("tcp", "127.0.0.1:"+port, config.New(users)); err != nil {
		return err
	}
	return r.Run(context.Background())
}
