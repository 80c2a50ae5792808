package gpu

import (
	"os"
	"testing"
)

// TestEnvironmentIsTheCommands: a library must not change its process. Without
// AllowEnvironment nothing is set, and no threads are promised.
func TestEnvironmentIsTheCommands(t *testing.T) {
	before := environmentAllowed.Swap(false)
	defer environmentAllowed.Store(before)
	names := []string{threadsVariable, "LP_NATIVE_VECTOR_WIDTH", "MESA_SHADER_CACHE_DIR"}
	for _, name := range names {
		t.Setenv(name, os.Getenv(name)) // restored at the end
		os.Unsetenv(name)
	}
	if n := threadsFor(Options{Threads: 3}); n != 0 {
		t.Errorf("%d threads are promised", n)
	}
	presetWidth(wideLanes)
	restore := presetThreads(threadsFor(Options{Threads: 3, Grain: 1}))
	defer restore()
	for _, name := range names {
		if value, set := os.LookupEnv(name); set {
			t.Errorf("%s is set to %q", name, value)
		}
	}
}
