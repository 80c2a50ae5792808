// Package safetensorstest makes safetensors files for tests.
package safetensorstest

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
)

// Join writes the tensors of both files to one file in a test folder and returns its path. On
// equal names the first file wins. Names of the second that match the pattern lacks (see
// filepath.Match) are left out.
func Join(t testing.TB, own, base, lacks string) string {
	t.Helper()
	var all []safetensors.NamedTensor
	for i, path := range []string{own, base} {
		f, err := safetensors.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, name := range f.Names() {
			out, err := filepath.Match(lacks, name)
			if err != nil {
				t.Fatal(err)
			}
			if i == 1 && (out || slices.ContainsFunc(all, func(x safetensors.NamedTensor) bool { return x.Name == name })) {
				continue
			}
			x, err := f.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, safetensors.NamedTensor{Name: name, Tensor: x})
		}
	}
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	if err := safetensors.Write(path, all, nil); err != nil {
		t.Fatal(err)
	}
	return path
}
