package deferred_test

import (
	"fmt"
	"strconv"
	"time"

	"github.com/torsion-go/torsion/deferred"
	"github.com/torsion-go/torsion/reactortest"
)

func double(n int) (int, error) { return 2 * n, nil }

func Example() {
	l := reactortest.NewMemory(reactortest.Config{}) // in a program: a reactor
	_ = l.Call(func() {
		answer := deferred.New[string](l)
		l.AfterFunc(time.Second, func() { answer.Fire("21", nil) })

		number := deferred.Then(answer, strconv.Atoi)
		number = deferred.Then(number, double)
		number.Done(func(n int, err error) { fmt.Println(n, err) })
	})
	l.Advance(time.Second)
	// Output: 42 <nil>
}

func ExampleRun() {
	l := reactortest.NewMemory(reactortest.Config{})
	answer, pause := deferred.New[string](l), deferred.New[int](l)
	_ = l.Call(func() {
		deferred.Run(l, func(c *deferred.Coroutine) error {
			n, err := deferred.Wait(c, deferred.Then(answer, strconv.Atoi))
			if err != nil {
				return err
			}
			fmt.Println("the answer is", n)
			_, err = deferred.Wait(c, pause)
			return err
		}).Done(func(_ struct{}, err error) { fmt.Println("ended:", err) })
		fmt.Println("it waits")
	})
	_ = l.Call(func() { answer.Fire("42", nil) })
	_ = l.Call(pause.Cancel)
	l.Settle()
	// Output:
	// it waits
	// the answer is 42
	// ended: deferred: cancelled: context canceled
}

func ExampleFirst() {
	slow, fast := deferred.New[string](nil), deferred.New[string](nil)
	slow.OnCancel(func() { fmt.Println("never mind") })
	deferred.First(slow, fast).Done(func(s string, _ error) { fmt.Println(s) })
	fast.Fire("here", nil)
	// Output:
	// never mind
	// here
}

func ExampleEvery() {
	l := reactortest.NewMemory(reactortest.Config{})
	_ = l.Call(func() {
		start := l.Now()
		deferred.Every(l, time.Second, func(int) *deferred.Deferred[struct{}] {
			fmt.Println(l.Now().Sub(start))
			return nil
		})
	})
	l.Advance(3 * time.Second)
	// Output:
	// 1s
	// 2s
	// 3s
}
