// ftpload is a client of FTP that costs less than the servers that it measures: what it
// downloads in clear is counted and not copied, what it uploads is sent from a file in
// memory.
//
//	ftpload -port 2121 -mode retr [-tls] [-name big] [-files 10000 -conns 4] [-size 4096] [-verify]
//
// Without -files there is one file, called -name; else the files -name0, -name1, ... over
// -conns sessions, each of which does one PASV and one transfer after the other. The
// number of bytes is checked always, with -verify also each byte of a download. It prints
// what it has measured as JSON.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

var (
	port   = flag.Int("port", 0, "of the server, on 127.0.0.1")
	mode   = flag.String("mode", "retr", "retr or stor")
	secure = flag.Bool("tls", false, "AUTH TLS, PROT P")
	name   = flag.String("name", "big", "of the file, or how the names begin")
	files  = flag.Int("files", 0, "how many; 0: one")
	conns  = flag.Int("conns", 1, "sessions at a time")
	size   = flag.Int64("size", 4096, "bytes of a file")
	like   = flag.String("like", "", "a file with the content of each")
	verify = flag.Bool("verify", false, "compare each byte of what is downloaded")

	content []byte // of like, mapped: nothing is copied for a large one
	source  *os.File
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "ftpload:", err)
		os.Exit(1)
	}
}

func main() {
	flag.Parse()
	runtime.GOMAXPROCS(*conns + 1) // a thread that waits for the kernel keeps no other from running
	debug.SetGCPercent(400)        // crypto/tls allocates
	openSource()
	sessions := make([]*session, *conns)
	for i := range sessions {
		sessions[i] = login()
	}
	cpu, start := used(), time.Now()
	transfer(sessions)
	took := time.Since(start)
	resumed, shaken := 0, 0
	for _, s := range sessions {
		resumed, shaken = resumed+s.resumed, shaken+s.shaken
	}
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"seconds": took.Seconds(), "busy": (used() - cpu) / took.Seconds(), "files": max(1, *files), "bytes": int64(max(1, *files)) * *size,
		"handshakes": shaken, "resumed": resumed, "tls": sessions[0].version(),
	}))
	for _, s := range sessions {
		s.quit()
	}
}

func openSource() {
	var err error
	source, err = os.Open(*like)
	check(err)
	content, err = unix.Mmap(int(source.Fd()), 0, int(*size), unix.PROT_READ, unix.MAP_SHARED)
	check(err)
}

// used is the CPU time of this process in seconds.
func used() float64 {
	var u unix.Rusage
	check(unix.Getrusage(unix.RUSAGE_SELF, &u))
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// transfer does all that there is to do, each session every so many files.
func transfer(sessions []*session) {
	if *files == 0 {
		sessions[0].transfer(*name)
		return
	}
	var all sync.WaitGroup
	for i, s := range sessions {
		all.Go(func() {
			for n := i; n < *files; n += len(sessions) {
				s.transfer(fmt.Sprint(*name, n))
			}
		})
	}
	all.Wait()
}

// same checks p, which was downloaded from that offset on.
func same(p []byte, off int64) {
	if off+int64(len(p)) > *size || !bytes.Equal(p, content[off:off+int64(len(p))]) {
		check(fmt.Errorf("wrong bytes behind %d", off))
	}
}
