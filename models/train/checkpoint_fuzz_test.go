package train

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
)

// FuzzCheckpoint opens any bytes as a checkpoint: what passes has a step and a state that
// a run can go on with.
func FuzzCheckpoint(f *testing.F) {
	file := func(header string, tensors int) []byte {
		return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), make([]byte, tensors)...)
	}
	f.Add(file(`{"__metadata__":{"step":"7","state":"{\"options\":{\"Steps\":9},\"scaler\":{\"Scale\":2}}"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8))
	f.Add(file(`{"__metadata__":{"step":"-1","state":"{}"}}`, 0))
	f.Add(file(`{"__metadata__":{"step":"1","state":"{\"curve\":null}"}}`, 0))
	f.Add(file(`{}`, 0))
	f.Add(file(`{"a":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}`, 8))
	f.Add([]byte("not a checkpoint"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, checkpointName), data, 0o600); err != nil {
			t.Fatal(err)
		}
		file, s, step, err := open(dir)
		if err != nil {
			known := []error{ErrCheckpoint, safetensors.ErrNotSafetensors, safetensors.ErrCorrupt, safetensors.ErrLimit}
			if !slices.ContainsFunc(known, func(k error) bool { return errors.Is(err, k) }) {
				t.Fatalf("error %v is of no kind", err)
			}
			return
		}
		defer file.Close()
		if step < 0 || s.Curve == nil || !(s.Scaler.Scale >= 1) || s.Scaler.Applied < 0 {
			t.Fatalf("step %d, state %+v", step, s)
		}
	})
}
