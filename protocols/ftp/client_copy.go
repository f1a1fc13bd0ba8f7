package ftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"
)

// Copied is what became of a file on its way.
type Copied struct {
	Bytes int64 // that arrived, or that were sent and may have arrived; without those before the offset
	Size  int64 // of the file at the server, as it says; -1 if it does not say that
}

// A job is a file on its way. It belongs to the Client's goroutine, but for bytes.
type job struct {
	name   string
	called string // in Progress
	offset int64
	size   int64 // of the whole; -1 if that is not known
	bytes  atomic.Int64
	report func(Progress) // nil if nobody wants to know
	told   time.Time
	last   int64                               // bytes that were told of
	do     func(*talk) (size int64, err error) // all of it; nil if that is a Mirror's
}

func newJob(name string, offset int64) *job {
	if offset < 0 {
		panic("ftp: a negative offset")
	}
	return &job{name: name, called: name, offset: offset, size: -1}
}

// getting is the job of a Get.
func getting(name string, to io.Writer, offset int64) *job {
	if to == nil {
		panic("ftp: Get needs a Writer, and was given nil")
	}
	j := newJob(name, offset)
	j.do = func(t *talk) (int64, error) { return t.get(j, to) }
	return j
}

// putting is the job of a Put.
func putting(name string, from io.Reader, offset int64) *job {
	if from == nil {
		panic("ftp: Put needs a Reader, and was given nil")
	}
	j := newJob(name, offset)
	j.do = func(t *talk) (int64, error) { return t.store(j, from) }
	return j
}

// appending is the job of an Append.
func appending(name string, from io.Reader) *job {
	if from == nil {
		panic("ftp: Append needs a Reader, and was given nil")
	}
	j := newJob(name, 0)
	j.do = func(t *talk) (int64, error) { return t.add(j, from) }
	return j
}

// verdict is what is known of a job that err has ended.
func (j *job) verdict(err error) (Copied, error) {
	_, err = unknown[Copied](err)
	return Copied{Bytes: j.bytes.Load(), Size: -1}, err
}

// task does it, and tells what has come of it.
func (j *job) task(ctx context.Context, t *talk) (Copied, error) {
	size := int64(-1)
	err := t.do(ctx, func() (err error) { size, err = j.do(t); return err })
	return Copied{Bytes: j.bytes.Load(), Size: size}, err
}

// tick counts what was moved, and tells once in a while.
func (j *job) tick(n int) {
	j.bytes.Add(int64(n))
	if j.report != nil && time.Since(j.told) >= 100*time.Millisecond {
		j.tell()
	}
}

// measure finds out how large the file will be, if somebody wants to know.
func (j *job) measure(from io.Reader) error {
	if j.report == nil || j.size >= 0 {
		return nil
	}
	n, err := remaining(from)
	if n >= 0 {
		j.size = j.offset + n
	}
	return err
}

func (j *job) tell() {
	if j.report != nil {
		j.told, j.last = time.Now(), j.bytes.Load()
		j.report(Progress{Name: j.called, Bytes: j.offset + j.last, Size: j.size})
	}
}

// end tells how it ended, unless that was told, or nothing has begun.
func (j *job) end(err error) {
	if j.bytes.Load() != j.last || err == nil && j.told.IsZero() {
		j.tell()
	}
}

// A sink is a Writer of the user's.
type sink struct {
	to  io.Writer
	job *job
	err error
}

func (s *sink) Write(p []byte) (n int, err error) {
	n, err = s.to.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	s.err = err
	s.job.tick(n)
	return n, err
}

// A source is a Reader of the user's.
type source struct {
	from io.Reader
	talk *talk
	err  error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if err == io.EOF && s.talk.guard.cause() != nil { // whoever gave it up may have ended it so
		err = s.talk.guard.cause()
	}
	if err == io.EOF {
		s.talk.data.whole = true
	} else {
		s.err = err
	}
	return n, err
}

// get fetches j.name. All of it has arrived if the server says so, the connection
// for the data ended well, and the size is right.
func (t *talk) get(j *job, to io.Writer) (size int64, err error) {
	if err = nameable(j.name); err != nil {
		return -1, &ClientError{Verb: "RETR", Err: err}
	}
	if j.size < 0 {
		if j.size, err = t.size(j.name); err != nil {
			return -1, err
		}
	}
	defer func() { j.end(err) }()
	t.next = stream{}
	t.wire.patience = t.config.Timeouts.Command
	r, err := t.ftp.RetrFrom(j.name, uint64(j.offset))
	if err != nil {
		return -1, t.settle(nil, err)
	}
	w := &sink{to: to, job: j}
	_, err = io.Copy(w, onlyReader{r})
	if err = errors.Join(err, r.Close()); err != nil {
		return -1, t.settle(w.err, err)
	}
	have := j.offset + j.bytes.Load()
	if j.size < 0 || j.size == have {
		return j.size, nil
	}
	if size, err = t.compare(j, have); err == nil && size < 0 { // it may have changed meanwhile, or not
		err = &ClientError{Verb: "RETR", Err: fmt.Errorf("%w: %d bytes of %d", ErrSize, have, j.size)}
	}
	return size, err
}

// put stores j.name by a function of the library's.
func (t *talk) put(j *job, from io.Reader, how func(name string, r io.Reader) error) (size int64, err error) {
	if err = nameable(j.name); err != nil {
		return -1, &ClientError{Verb: "STOR", Err: err}
	}
	defer func() { j.end(err) }()
	t.next = stream{sent: j.tick}
	t.wire.patience = t.config.Timeouts.Command
	r := &source{from: from, talk: t}
	if err = how(j.name, r); err != nil {
		return -1, t.settle(r.err, err)
	}
	return -1, nil
}

// store replaces the file, or writes into it from the offset on, which leaves what is
// behind that.
func (t *talk) store(j *job, from io.Reader) (size int64, err error) {
	if err = j.measure(from); err != nil {
		return -1, &ClientError{Verb: "STOR", Err: err}
	}
	size, err = t.put(j, from, func(name string, r io.Reader) error { return t.ftp.StorFrom(name, r, uint64(j.offset)) })
	if err != nil {
		return size, err
	}
	size, err = t.compare(j, j.offset+j.bytes.Load())
	if j.offset > 0 && size > j.offset+j.bytes.Load() && errors.Is(err, ErrSize) {
		err = nil
	}
	return size, err
}

// add adds to the file. The size can be checked if it is known of before.
func (t *talk) add(j *job, from io.Reader) (size int64, err error) {
	if err = nameable(j.name); err != nil {
		return -1, &ClientError{Verb: "APPE", Err: err}
	}
	before, err := t.size(j.name)
	if err != nil {
		return -1, err
	}
	if j.offset = max(before, 0); before >= 0 {
		err = j.measure(from)
	}
	if err != nil {
		return -1, &ClientError{Verb: "APPE", Err: err}
	}
	if _, err = t.put(j, from, t.ftp.Append); err != nil {
		return -1, err
	}
	if before < 0 {
		return t.size(j.name)
	}
	return t.compare(j, before+j.bytes.Load())
}

// compare asks the server for the size, which should be this.
func (t *talk) compare(j *job, want int64) (size int64, err error) {
	size, err = t.size(j.name)
	if err == nil && size >= 0 && size != want {
		err = &ClientError{Verb: "SIZE", Err: fmt.Errorf("%w: %d bytes at the server, %d here", ErrSize, size, want)}
	}
	return size, err
}

// size is -1 if the server does not tell.
func (t *talk) size(name string) (int64, error) {
	if !t.knows("SIZE") {
		return -1, nil
	}
	var n int64
	err := t.plainly(func() (err error) { n, err = t.ftp.FileSize(name); return err })
	if _, refused := errors.AsType[*Error](err); refused && !t.gone || n < 0 {
		return -1, nil
	}
	return n, err
}

// knows reports whether the server says that it has a feature, or does not say what
// it has.
func (t *talk) knows(feature string) bool {
	return len(t.wire.features) == 0 || slices.Contains(t.wire.features, feature)
}

// settle is the error of a transfer, of which local is a part that is the user's.
// What the server says of a connection tells more than how that ended.
func (t *talk) settle(local, err error) error {
	refused := t.wire.err == nil && t.wire.last.code >= 400
	switch {
	case local != nil:
		err = local
	case t.data == nil || refused || t.data.err == nil:
		return t.fault("", err)
	default:
		err = t.data.err
	}
	t.gone = t.gone || t.wire.err != nil
	return &ClientError{Verb: t.wire.verb, Err: err}
}

// onlyReader hides what else a Reader can do, so that it is read by pieces.
type onlyReader struct{ io.Reader }
