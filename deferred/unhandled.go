package deferred

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/torsion-go/torsion/protocol"
)

// An orphan is an error to which nobody has attached. Whoever does adopts it.
type orphan struct {
	err   error
	what  string // the type of its Deferred
	where string // who fired it
	loop  protocol.Loop
	net   runtime.Cleanup // when no loop will report it
	over  atomic.Bool     // adopted or reported
}

// unhandled remembers that nobody has attached to d, which has failed. That is
// usual for the rest of the event, in which d may be on its way to whoever
// attaches. The call that is posted here comes after the event, and after the
// calls that were posted before.
func (d *Deferred[T]) unhandled() {
	if known(d.err) {
		return
	}
	o := d.newOrphan(d.err)
	d.orphan = o
	if d.loop != nil && d.loop.Call(o.report) == nil {
		return
	}
	// Nobody has said which loop d belongs to, or it has stopped: there is no
	// later event to wait for. What d is for is over when d is garbage.
	o.net = runtime.AddCleanup(d, (*orphan).report, o)
}

func (d *Deferred[T]) newOrphan(err error) *orphan {
	return &orphan{err: err, what: fmt.Sprintf("%T", d), where: caller(), loop: d.loop}
}

// logLate reports an error of d, if there is one, that nobody can be told any more.
func (d *Deferred[T]) logLate(err error) {
	if err != nil && !known(err) {
		d.newOrphan(err).report()
	}
}

// known errors are not reported: a cancel was asked for, a panic has been logged.
func known(err error) bool {
	_, panicked := errors.AsType[*protocol.PanicError](err)
	return panicked || errors.Is(err, ErrCancelled)
}

func (o *orphan) adopted() {
	o.over.Store(true)
	o.net.Stop()
}

func (o *orphan) report() {
	if !o.over.Swap(true) {
		protocol.LoggerOf(o.loop).Error("unhandled error of a Deferred", "error", o.err, "type", o.what, "fired", o.where)
	}
}

// contained calls f, which others must not suffer from. A panic is logged.
func contained(l protocol.Loop, where string, f func()) {
	defer func() {
		if p := recover(); p != nil {
			_ = contain(l, where, p)
		}
	}()
	f()
}

// contain makes an error of what recover has returned, and logs it.
func contain(l protocol.Loop, where string, v any) error {
	err := &protocol.PanicError{Value: v, Stack: debug.Stack()}
	protocol.LoggerOf(l).Error("panic in "+where, "panic", v, "stack", string(err.Stack))
	return err
}

// caller is the place outside this package that an error came from.
func caller() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		if !strings.Contains(f.Function, "torsion/deferred.") {
			return f.File + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return "unknown"
		}
	}
}
