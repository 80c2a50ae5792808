package nn

import (
	"runtime"
	"sync"
)

// inOrder calls take with what prepare returns for 0 to n-1, one after another. It
// prepares some ahead, one for each processor. It returns the error that comes first in
// the order, after all calls have ended.
func inOrder[T any](n int, prepare func(i int) (T, error), take func(T) error) error {
	type result struct {
		value T
		err   error
	}
	ahead := make(chan chan result, max(runtime.GOMAXPROCS(0)-1, 1))
	stop := make(chan struct{})
	var all sync.WaitGroup
	defer all.Wait()
	defer close(stop)
	all.Go(func() {
		defer close(ahead)
		for i := range n {
			r := make(chan result, 1)
			select {
			case ahead <- r:
			case <-stop:
				return
			}
			all.Go(func() {
				var x result
				x.value, x.err = prepare(i)
				r <- x
			})
		}
	})
	for r := range ahead {
		x := <-r
		if x.err == nil {
			x.err = take(x.value)
		}
		if x.err != nil {
			return x.err
		}
	}
	return nil
}
