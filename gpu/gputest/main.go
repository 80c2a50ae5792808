package gputest

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/morton-gen/morton/gpu"
)

// A test process belongs to its tests, which ask for widths and threads.
func init() { gpu.AllowEnvironment() }

// Exhaustive reports whether tests run every shape at every width, as `make test-all`
// does by MORTON_TEST=all. By default they run each path of a kernel once: lavapipe
// compiles a kernel for seconds, and a new shape is a new kernel.
func Exhaustive() bool { return os.Getenv("MORTON_TEST") == "all" }

// Pick returns the first n cases by default, and all of them in exhaustive tests.
func Pick[T any](n int, all []T) []T {
	if Exhaustive() {
		return all
	}
	return all[:min(n, len(all))]
}

// Main runs a package's tests, as its TestMain. Exhaustive tests run once more, in
// short, in a process for each other width of [gpu.Info.Widths], since kernels differ
// by the width. A width or a vector length in the environment stands, and is the only
// one.
func Main(m *testing.M) {
	code := m.Run()
	if code == 0 && isTest() && Exhaustive() {
		for _, width := range otherWidths() {
			if err := again(width); err != nil {
				fmt.Printf("gputest: at %d lanes: %v\n", width, err)
				code = 1
			}
		}
	}
	os.Exit(code)
}

// isTest reports whether this process is to test, not to measure, list or fuzz.
func isTest() bool {
	for _, name := range []string{"test.bench", "test.list", "test.fuzz"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return true
}

// otherWidths returns the widths that the tests of this process did not run at.
func otherWidths() []int {
	if os.Getenv("MORTON_SUBGROUP") != "" || os.Getenv("LP_NATIVE_VECTOR_WIDTH") != "" {
		return nil
	}
	infos, err := gpu.List()
	if err != nil {
		return nil // the tests have said so
	}
	var widths []int
	for _, i := range infos {
		if i.Problem == "" {
			widths = append(widths, i.Widths()[1:]...)
		}
	}
	slices.Sort(widths)
	return slices.Compact(widths)
}

// again leaves out the flags that name files, which are this process's.
func again(width int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := slices.DeleteFunc(slices.Clone(os.Args[1:]), func(a string) bool {
		name, _, _ := strings.Cut(strings.TrimLeft(a, "-"), "=")
		return strings.HasSuffix(name, "profile") || name == "test.testlogfile" || name == "test.outputdir" || name == "test.gocoverdir"
	})
	cmd := exec.Command(self, append(args, "-test.short")...)
	cmd.Env = append(os.Environ(), "MORTON_SUBGROUP="+strconv.Itoa(width))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
