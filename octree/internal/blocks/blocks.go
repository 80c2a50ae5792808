// Package blocks spreads loops over processors. It is not for work that depends on how it
// is cut.
package blocks

import (
	"runtime"
	"sync"
)

// Each calls work for blocks that together are [0, n), at the same time. Fewer than grain are
// not worth a goroutine.
func Each(n, grain int, work func(from, to int)) {
	workers := max(1, min(runtime.GOMAXPROCS(0), n/grain))
	var done sync.WaitGroup
	for w := range workers {
		done.Go(func() { work(n*w/workers, n*(w+1)/workers) })
	}
	done.Wait()
}
