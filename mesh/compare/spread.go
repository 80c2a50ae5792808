package compare

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// atOnce is the number of items a goroutine takes at a time. Neighbouring items
// share parts of the tree in the cache.
const atOnce = 512

// spread calls work for every number below n on GOMAXPROCS goroutines. Calls
// must write to disjoint memory.
func spread(n int, work func(i int)) {
	var next atomic.Int64
	var done sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), (n+atOnce-1)/atOnce) {
		done.Go(func() {
			for {
				first := int(next.Add(atOnce)) - atOnce
				if first >= n {
					return
				}
				for i := first; i < min(first+atOnce, n); i++ {
					work(i)
				}
			}
		})
	}
	done.Wait()
}
