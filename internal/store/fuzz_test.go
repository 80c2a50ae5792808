package store

import "testing"

// FuzzDigests: whatever a list says, names are clean and digests have 64 digits.
func FuzzDigests(f *testing.F) {
	const sum = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
	for _, seed := range []string{"", sum + "  config.json\n", sum + " *./a/../b\r\n\n", sum + "  ", "zz  a", sum} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := parseDigests(data)
		for name, digest := range all {
			if err != nil || name == "" || len(digest) != 64 {
				t.Errorf("%q: %q, %v", name, digest, err)
			}
		}
	})
}
