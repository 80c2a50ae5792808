package models_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/cpu"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/internal/atomicfile"
)

var update = flag.Bool("update", false, "record what the shipped models draw on this device in testdata/tokens.json")

// goldenFile holds the SHA-256 of what the shipped models draw: by device, then family.
const goldenFile = "testdata/tokens.json"

// goldenTokens compares the samples of a family with those on record for the device.
// A request's tokens are a promise to users: a kernel that changes them is a change of
// every user's output, and must be seen.
func goldenTokens(t *testing.T, dev *gpu.Device, family string, samples [][]int64) {
	t.Helper()
	record := map[string]map[string]string{}
	if data, err := os.ReadFile(goldenFile); err == nil {
		if err := json.Unmarshal(data, &record); err != nil {
			t.Fatal(err)
		}
	}
	// The driver compiles other code where the processor has wider vectors.
	device := fmt.Sprintf("%s, %d lanes, AVX-512 %v", dev.Info().Name, dev.SubgroupWidth(), cpu.X86.HasAVX512F)
	got := hashSamples(samples)
	if *update {
		if record[device] == nil {
			record[device] = map[string]string{}
		}
		record[device][family] = got
		data := must(json.MarshalIndent(record, "", "  "))(t)
		if err := atomicfile.WriteFile(goldenFile, append(data, '\n')); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, ok := record[device][family]
	if !ok {
		t.Logf("%s: no tokens are on record for %s; record them with -update", family, device)
	} else if got != want {
		t.Errorf("%s draws other tokens on %s: %s, on record %s", family, device, got, want)
	}
}

func hashSamples(samples [][]int64) string {
	h := sha256.New()
	for _, s := range samples {
		_ = binary.Write(h, binary.LittleEndian, int64(len(s))) // a hash takes everything
		_ = binary.Write(h, binary.LittleEndian, s)
	}
	return hex.EncodeToString(h.Sum(nil))
}
