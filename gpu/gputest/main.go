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

// wide is the width that lavapipe has besides its own 8, if a process asks before it
// first runs.
const wide = 16

// Main runs a package's tests, as its TestMain, and where a device is lavapipe once
// more in a process of 16 lanes, in short, since kernels differ by the width. A
// width or a vector length in the environment stands, and is the only one.
func Main(m *testing.M) {
	code := m.Run()
	if code == 0 && isTest() && servesWide() {
		if err := again(); err != nil {
			fmt.Printf("gputest: at %d lanes: %v\n", wide, err)
			code = 1
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

func servesWide() bool {
	if os.Getenv("MORTON_SUBGROUP") != "" || os.Getenv("LP_NATIVE_VECTOR_WIDTH") != "" {
		return false
	}
	infos, err := gpu.List()
	if err != nil {
		return false // the tests have said so
	}
	for _, i := range infos {
		fault := i.Fault(wide)
		switch {
		case i.Problem != "" || !i.OnCPU():
		case fault != "":
			fmt.Printf("gputest: %s is not tested at %d lanes: it lacks %s\n", i.Name, wide, fault)
		default:
			return true
		}
	}
	return false
}

// again leaves out the flags that name files, which are this process's.
func again() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := slices.DeleteFunc(slices.Clone(os.Args[1:]), func(a string) bool {
		name, _, _ := strings.Cut(strings.TrimLeft(a, "-"), "=")
		return strings.HasSuffix(name, "profile") || name == "test.testlogfile" || name == "test.outputdir" || name == "test.gocoverdir"
	})
	cmd := exec.Command(self, append(args, "-test.short")...)
	cmd.Env = append(os.Environ(), "MORTON_SUBGROUP="+strconv.Itoa(wide))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
