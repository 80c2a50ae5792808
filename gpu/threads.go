package gpu

import (
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

// lavapipe runs an operation on a pool of threads, which it wakes and waits for each
// time: 70 to 140 us on two cores of a Xeon under Mesa 25.0.7. Without a pool the
// submitting thread does the work, and an operation costs 0.5 us. No bit depends on it.
// Each instance reads the number from LP_NUM_THREADS when it first lists its devices.
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

// MaxThreads is the most that lavapipe uses.
const MaxThreads = 32

// threadsFor returns the number of threads to request from lavapipe: Options.Threads, 1
// if operations are too short to share, else 0 for the driver's choice. It is 0 if the
// environment must not be set.
func threadsFor(o Options) int {
	small := o.Grain > 0 && o.Grain < shareFlops
	switch {
	case !environmentAllowed.Load():
		return 0
	case o.Threads > 0:
		return o.Threads
	case small && os.Getenv(threadsVariable) == "":
		return 1
	}
	return 0
}

// ownThreads is lavapipe's own choice.
func ownThreads() int {
	n, err := strconv.Atoi(os.Getenv(threadsVariable))
	if err != nil || n < 0 {
		n = runtime.NumCPU()
	}
	return min(max(n, 1), MaxThreads)
}

var (
	environmentAllowed atomic.Bool
	// environmentMu is held while drivers are loaded, so that none reads what was set
	// for another.
	environmentMu sync.Mutex
)

// AllowEnvironment lets Open and List set variables of this process's environment:
// lavapipe reads its subgroup width and its number of threads from there and nowhere
// else. It is for the main function of a command. Without it [Options.Threads] and
// [Options.Grain] have no effect, and [Options.Width] and MORTON_SUBGROUP none on the
// width of lavapipe, which stays as LP_NUM_THREADS and LP_NATIVE_VECTOR_WIDTH have it.
//
// LP_NATIVE_VECTOR_WIDTH and MESA_SHADER_CACHE_DIR are set once, before the first
// instance. LP_NUM_THREADS is set while a driver is loaded and then restored.
func AllowEnvironment() { environmentAllowed.Store(true) }

// presetThreads makes drivers that are loaded until restore is called use n threads; 0
// leaves the number to them.
func presetThreads(n int) (restore func()) {
	environmentMu.Lock()
	if n == 0 {
		return environmentMu.Unlock
	}
	pool := n
	if n == 1 {
		pool = 0 // a pool of one would have to be woken
	}
	back := setenv(threadsVariable, strconv.Itoa(pool))
	return func() {
		back()
		environmentMu.Unlock()
	}
}

// setenv sets a variable of Go's and C's environment and returns a function that
// restores it. A variable that was not set becomes empty, which means the same: removing
// it would change C's list under threads that read it.
func setenv(name, value string) (restore func()) {
	old := os.Getenv(name)
	// Setenv fails for names with = or NUL only.
	_ = os.Setenv(name, value)
	return func() { _ = os.Setenv(name, old) }
}
