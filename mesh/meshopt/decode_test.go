package meshopt

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// sample is a line of testdata/reference.jsonl: what the encoder of meshoptimizer
// 1.3.0 (npm) made of pseudorandom elements, and what its own decoder makes of that.
type sample struct {
	Name, Mode, Filter string
	Count, Stride      int
	Packed, Want       string
	packed, want       []byte
}

func (s *sample) view() View { return View{s.Mode, s.Filter, s.Count, s.Stride} }

func samples(t testing.TB) []sample {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "reference.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []sample
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		if s.packed, err = hex.DecodeString(s.Packed); err != nil {
			t.Fatal(err)
		}
		if s.want, err = hex.DecodeString(s.Want); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if len(all) != 26 {
		t.Fatalf("%d samples", len(all))
	}
	return all
}

// TestReference requires the reference's bytes, or for filters that compute with
// fractions its numbers to one unit, as the extension has it.
func TestReference(t *testing.T) {
	for _, s := range samples(t) {
		got, err := Decode(s.packed, s.view())
		if err != nil || len(got) != len(s.want) {
			t.Errorf("%s: %d bytes, want %d, %v", s.Name, len(got), len(s.want), err)
			continue
		}
		if s.Filter == "OCTAHEDRAL" || s.Filter == "QUATERNION" {
			near(t, &s, got)
			continue
		}
		if !bytes.Equal(got, s.want) {
			t.Errorf("%s: other bytes", s.Name)
		}
	}
}

func near(t *testing.T, s *sample, got []byte) {
	t.Helper()
	for i := range got {
		a, b := float64(int8(got[i])), float64(int8(s.want[i]))
		if s.Stride == 8 {
			if i%2 == 1 {
				continue
			}
			a, b = short(got[i:]), short(s.want[i:])
		}
		if math.Abs(a-b) > 1 {
			t.Fatalf("%s: %v at byte %d, want %v", s.Name, a, i, b)
		}
	}
}

// TestCut: no prefix of a stream is taken for all of it, nor one with more.
func TestCut(t *testing.T) {
	for _, s := range samples(t) {
		step := max(1, len(s.packed)/50)
		for n := 0; n < len(s.packed); n += step {
			if got, err := Decode(s.packed[:n], s.view()); !errors.Is(err, ErrCorrupt) || got != nil {
				t.Errorf("%s: %d bytes of %d: %v", s.Name, n, len(s.packed), err)
			}
		}
		if _, err := Decode(append(s.packed[:len(s.packed):len(s.packed)], 0), s.view()); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: a byte more: %v", s.Name, err)
		}
	}
}

func TestErrors(t *testing.T) {
	s := samples(t)[0]
	for _, v := range []View{
		{},
		{"ATTRIBUTES", "", 1, 3},
		{"ATTRIBUTES", "", 1, 260},
		{"ATTRIBUTES", "", -1, 4},
		{"ATTRIBUTES", "", maxCount, 4},
		{"ATTRIBUTES", "COLOUR", 1, 4},
		{"ATTRIBUTES", "QUATERNION", 1, 4},
		{"ATTRIBUTES", "OCTAHEDRAL", 1, 12},
		{"TRIANGLES", "", 4, 2},
		{"TRIANGLES", "", 3, 1},
		{"TRIANGLES", "EXPONENTIAL", 3, 4},
		{"INDICES", "", 3, 8},
		{"POINTS", "", 3, 4},
	} {
		if _, err := Decode(s.packed, v); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%+v: %v", v, err)
		}
	}
	for head, want := range map[byte]error{0xa2: ErrVersion, 0xaf: ErrVersion, 0xe1: ErrCorrupt, 0: ErrCorrupt} {
		bad := bytes.Clone(s.packed)
		bad[0] = head
		if _, err := Decode(bad, s.view()); !errors.Is(err, want) {
			t.Errorf("header %#x: %v", head, err)
		}
	}
	if _, err := Decode([]byte{0xa0, 1, 2}, View{"ATTRIBUTES", "", 1 << 30, 256}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a count without bytes: %v", err)
	}
}

func TestExponents(t *testing.T) {
	for x, want := range map[uint32]float32{0x00000001: 1, 0x01000003: 6, 0xffffffff: -0.5, 0x00800000: -8388608, 0xf6000400: 1} {
		b := binary.LittleEndian.AppendUint32(nil, x)
		exponential(b)
		if got := math.Float32frombits(binary.LittleEndian.Uint32(b)); got != want {
			t.Errorf("%#x is %v, want %v", x, got, want)
		}
	}
}

// FuzzDecode: whatever the bytes and the view are, they give an error or as many
// bytes as the view says.
func FuzzDecode(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.packed, s.Mode, s.Filter, s.Count, s.Stride)
	}
	f.Fuzz(func(t *testing.T, data []byte, mode, filter string, count, stride int) {
		v := View{mode, filter, count, stride}
		n, err := v.Bytes()
		if err == nil && n > 1<<20 {
			return // the caller would not have asked
		}
		got, err := Decode(data, v)
		switch {
		case err == nil && int64(len(got)) != n:
			t.Fatalf("%d bytes, want %d", len(got), n)
		case err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion):
			t.Fatalf("an error without a kind: %v", err)
		}
	})
}
