package gpu

import (
	"os"
	"runtime"
	"strconv"
	"sync"
)

// lavapipe deals the workgroups of an operation to a pool of threads, which it wakes
// for each and waits for: 70 to 140 us on two cores of a Xeon under Mesa 25.0.7. With
// no pool the thread that submits does the work, and an operation costs 0.5 us. No bit
// depends on it. The number is read from LP_NUM_THREADS for every instance, when it
// first lists its devices.
const threadsVariable = "LP_NUM_THREADS"

// shareFlops is the work an operation must have before several threads pay. Measured
// on that machine, decoding with 5M parameters in 43 operations a step, tokens/s on
// one thread and on two:
//
//	rows, MFLOP an operation   1, 0.23       8, 1.9         32, 7.4
//	f16                        580   254     1234   1011    1631   2042
//	bf16                       754   335     1483   1174    1778   2447
//	int8                       896   332     1314   1427    1388   2013
//
// and 111M parameters at one row, 2.8 MFLOP: 28.4 and 37.7 in f16.
const shareFlops = 2e6

// MaxThreads is how many lavapipe takes at most.
const MaxThreads = 32

// threadsFor returns the number of threads to ask of lavapipe: Options.Threads, 1 where
// operations are too short to share, else 0, which is the driver's choice.
func threadsFor(o Options) int {
	small := o.Grain > 0 && o.Grain < shareFlops
	switch {
	case o.Threads > 0:
		return o.Threads
	case small && os.Getenv(threadsVariable) == "":
		return 1
	}
	return 0
}

// ownThreads is what lavapipe takes by itself.
func ownThreads() int {
	n, err := strconv.Atoi(os.Getenv(threadsVariable))
	if err != nil || n < 0 {
		n = runtime.NumCPU()
	}
	return min(max(n, 1), MaxThreads)
}

// environmentMu is held while drivers are loaded, so that none reads what was set for
// another.
var environmentMu sync.Mutex

// presetThreads has the drivers that are loaded until restore is called run operations
// on so many threads; 0 leaves it to them.
func presetThreads(n int) (restore func()) {
	environmentMu.Lock()
	if n == 0 {
		return environmentMu.Unlock
	}
	pool := n
	if n == 1 {
		pool = 0 // one in a pool would have to be woken
	}
	back := setenv(threadsVariable, strconv.Itoa(pool))
	return func() {
		back()
		environmentMu.Unlock()
	}
}

// setenv sets a variable, of Go's and of C's environment, and returns what sets it
// back: to no text if there was none, which says as much as no variable. C's list of
// variables must not shrink and grow under threads that read it.
func setenv(name, value string) (restore func()) {
	old := os.Getenv(name)
	// Setenv fails for names with = or NUL only.
	_ = os.Setenv(name, value)
	return func() { _ = os.Setenv(name, old) }
}
