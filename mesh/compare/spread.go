package compare

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// atOnce is how many items a goroutine takes at a time. Neighbours in a list lie
// near each other, and so share the parts of the tree in the cache.
const atOnce = 512

// spread calls work with every number below n, on GOMAXPROCS goroutines. Each
// call must write only what is its own.
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
