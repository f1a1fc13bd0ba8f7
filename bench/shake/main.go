// shake connects to a TLS echo again and again, from many goroutines at once: a
// handshake, 64 bytes there and back, close. It prints connections a second, and the
// server's CPU for each.
//
//	GOMAXPROCS=1 taskset -c 0 bin/torsion 18881 tls-echo &
//	GOMAXPROCS=1 taskset -c 1 go run ./shake -addr 127.0.0.1:18881 -pid $!
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"sync"
	"time"
)

func main() {
	addr := flag.String("addr", "", "address of the echo")
	pid := flag.Int("pid", 0, "its process")
	clients := flag.Int("clients", 16, "how many at once")
	total := flag.Int("n", 2000, "connections")
	flag.Parse()
	before, began := cpu(*pid), time.Now()
	var all sync.WaitGroup
	for range *clients {
		all.Go(func() {
			for range *total / *clients {
				if err := connect(*addr); err != nil {
					log.Fatal(err)
				}
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	fmt.Printf("%.0f connections/s, %v of CPU each\n", float64(*total)/took.Seconds(), (cpu(*pid)-before)/time.Duration(*total))
}

func connect(addr string) error {
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return err
	}
	defer c.Close()
	buf := make([]byte, 64)
	if _, err = c.Write(buf); err == nil {
		_, err = io.ReadFull(c, buf)
	}
	if err == nil {
		err = c.CloseWrite()
	}
	if err == nil {
		_, err = io.Copy(io.Discard, c)
	}
	return err
}

// cpu is the time that all threads of a process have used, in user and system mode.
func cpu(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		log.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	var user, system int
	fields := strings.Fields(rest)
	fmt.Sscan(fields[11], &user)
	fmt.Sscan(fields[12], &system)
	return time.Duration(user+system) * time.Second / 100 // USER_HZ
}
