package models

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/morton-gen/morton/models/nn"
)

// FuzzConfig holds config.json to its bounds: what passes describes a network of bounded
// size, and is the same after a round trip.
func FuzzConfig(f *testing.F) {
	paths, err := filepath.Glob("shipped/*/config.json")
	if err != nil || len(paths) == 0 {
		f.Fatalf("%d configurations are shipped, error %v", len(paths), err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"format":1,"family":"quad"}`))
	f.Add([]byte(`{"format":1,"family":"quad","quad":{"levels":128,"points":512},"network":{"rope_pairs":[4611686018427387904,4611686018427387904,4611686018427387904,4611686018427387936]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseConfig(data)
		if err != nil {
			if !errors.Is(err, ErrFolder) && !errors.Is(err, nn.ErrConfig) {
				t.Fatalf("error %v", err)
			}
			return
		}
		n := c.Network
		if n.Width > 1<<14 || n.Layers > 256 || n.Outputs() > 1<<21 || n.Length > 1<<22 || n.HeadDim() > n.Width || c.Sampling.TopP > 1 {
			t.Fatalf("%+v is out of bounds", n)
		}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseConfig(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if second, err := json.Marshal(again); err != nil || string(second) != string(text) || !reflect.DeepEqual(again.Network, c.Network) {
			t.Fatalf("%s became %s, error %v", text, second, err)
		}
	})
}
