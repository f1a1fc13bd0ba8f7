package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// A progress is a line on a terminal that says how far a file is. It is nothing where
// there is no terminal.
type progress struct {
	out   io.Writer
	name  string
	from  int64
	begun time.Time
	shown bool
}

func newProgress(f *os.File) *progress {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return &progress{}
	}
	return &progress{out: f}
}

func (p *progress) show(at ftp.Progress) {
	if p.out == nil {
		return
	}
	if at.Name != p.name || at.Bytes < p.from {
		p.name, p.from, p.begun = at.Name, at.Bytes, time.Now()
	}
	p.shown = true
	far := fmt.Sprint(at.Bytes, " bytes")
	if at.Size > 0 {
		far = fmt.Sprintf("%3d%% of %d bytes", 100*at.Bytes/at.Size, at.Size)
	}
	if d := time.Since(p.begun).Seconds(); d > 0.5 {
		far += fmt.Sprintf(", %.1f MB/s", float64(at.Bytes-p.from)/d/1e6)
	}
	fmt.Fprintf(p.out, "\r%s: %s\x1b[K", plain(at.Name), far)
}

// end leaves the line.
func (p *progress) end() {
	if p.shown {
		fmt.Fprintln(p.out)
	}
}
