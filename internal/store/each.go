package store

import (
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// AtOnce is how many small objects are asked for at the same time: an answer takes tens of
// milliseconds, whatever its size.
const AtOnce = 128

// Each calls do for 0 to n-1, for work on files below a place: on a disk as many at once as
// there are processors, and many more in a store. It returns the first error, after which
// it calls no more.
func Each(place string, n int, do func(i int) error) error {
	limit := runtime.GOMAXPROCS(0)
	if Stored(place) {
		limit = AtOnce
	}
	var all errgroup.Group
	var next atomic.Int64
	var failed atomic.Bool
	for range min(limit, n) {
		all.Go(func() error {
			for !failed.Load() {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				if err := do(i); err != nil {
					failed.Store(true)
					return err
				}
			}
			return nil
		})
	}
	return all.Wait()
}
