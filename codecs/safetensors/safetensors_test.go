package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// tensors returns one tensor of each type, with a scalar and an empty one.
func tensors() []NamedTensor {
	var list []NamedTensor
	for d, rank := range ranks {
		shape := []int{2, 3}
		data := make([]byte, 6*d.SizeBytes())
		for i := range data {
			data[i] = byte(i+rank) & 1
		}
		list = append(list, NamedTensor{"t." + string(d), Tensor{d, shape, data}})
	}
	return append(list,
		NamedTensor{"scalar", Tensor{F32, []int{}, []byte{0, 0, 128, 63}}},
		NamedTensor{`empty "<é>"`, Tensor{I64, []int{0, 5}, []byte{}}})
}

// written returns the path and the bytes of a new file.
func written(t testing.TB, list []NamedTensor, metadata map[string]string) (string, []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := Write(path, list, metadata); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, b
}

func TestRoundTrip(t *testing.T) {
	list := tensors()
	metadata := map[string]string{"format": "morton", "a\n": "\"ü\""}
	path, _ := written(t, list, metadata)
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(f.Metadata(), metadata) {
		t.Errorf("metadata %q, want %q", f.Metadata(), metadata)
	}
	if len(f.Names()) != len(list) || !slices.IsSorted(f.Names()) {
		t.Errorf("names %q", f.Names())
	}
	for _, want := range list {
		got, err := f.Tensor(want.Name)
		if err != nil {
			t.Fatal(err)
		}
		if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("%q: got %v, want %v", want.Name, got, want.Tensor)
		}
	}
	if _, err := f.Tensor("none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("none: %v, want ErrNotFound", err)
	}
	if err := errors.Join(f.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Tensor("scalar"); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v, want ErrClosed", err)
	}
}

func TestDeterministicBytes(t *testing.T) {
	list := tensors()
	metadata := map[string]string{"b": "1", "a": "2", "c": "3"}
	_, first := written(t, list, metadata)
	slices.Reverse(list)
	if _, again := written(t, list, metadata); !bytes.Equal(first, again) {
		t.Fatal("the order of the tensors changes the bytes")
	}
	if n := binary.LittleEndian.Uint64(first); n%8 != 0 {
		t.Fatalf("header of %d bytes, want a multiple of 8", n)
	}
}

// TestReference reads a file that the reference implementation (0.8) wrote, and
// writes it again: the bytes must be the same.
func TestReference(t *testing.T) {
	path := filepath.Join("testdata", "numpy.safetensors")
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []NamedTensor
	for _, name := range f.Names() {
		tensor, err := f.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, NamedTensor{name, tensor})
	}
	halves, err := f.Tensor("h")
	if err != nil {
		t.Fatal(err)
	}
	got, err := halves.Float32s()
	if err != nil || fmt.Sprint(got) != "[1.5 -2 65504 5.9604645e-08]" {
		t.Errorf("h: %v, %v", got, err)
	}
	_, again := written(t, list, f.Metadata())
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, want) {
		t.Errorf("rewritten file differs:\n got %.600q\nwant %.600q", again, want)
	}
}

func file(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

func one(name, dtype, shape, offsets string) string {
	return fmt.Sprintf(`"%s":{"dtype":"%s","shape":%s,"data_offsets":%s}`, name, dtype, shape, offsets)
}

var brokenFiles = []struct {
	name string
	b    []byte
	want error
}{
	{"empty", nil, ErrNotSafetensors},
	{"short", []byte("\x02\x00\x00\x00\x00\x00\x00\x00{"), ErrNotSafetensors},
	{"text", []byte("this is no safetensors file"), ErrNotSafetensors},
	{"header over the limit", append(binary.LittleEndian.AppendUint64(nil, MaxHeaderBytes+1), "{}"...), ErrLimit},
	{"header of 2^63 bytes", append(binary.LittleEndian.AppendUint64(nil, 1<<63), "{}"...), ErrLimit},
	{"header over the file", append(binary.LittleEndian.AppendUint64(nil, 50), "{}"...), ErrCorrupt},
	{"no JSON", file("{nonsense}", 0), ErrCorrupt},
	{"open object", file(`{"a":`, 0), ErrCorrupt},
	{"text after", file("{} {}", 0), ErrCorrupt},
	{"not UTF-8", file("{\"\xff\":1}", 0), ErrCorrupt},
	{"tensor is a number", file(`{"a":1}`, 0), ErrCorrupt},
	{"metadata is a number", file(`{"__metadata__":{"a":1}}`, 0), ErrCorrupt},
	{"no dtype", file(`{"a":{"shape":[1],"data_offsets":[0,1]}}`, 1), ErrCorrupt},
	{"upper-case key", file(`{"a":{"DTYPE":"U8","shape":[1],"data_offsets":[0,1]}}`, 1), ErrCorrupt},
	{"dtype is no name", file("{"+one("a", "F 4", "[2]", "[0,1]")+"}", 1), ErrCorrupt},
	{"unknown dtype, overflow", file("{"+one("a", "F4", "[4294967296,4294967296,4294967296]", "[0,1]")+"}", 1), ErrCorrupt},
	{"unknown dtype, backwards", file("{"+one("a", "F4", "[2]", "[1,0]")+"}", 1), ErrCorrupt},
	{"duplicate name", file("{"+one("a", "U8", "[1]", "[0,1]")+","+one("a", "U8", "[1]", "[1,2]")+"}", 2), ErrCorrupt},
	{"hole", file("{"+one("a", "U8", "[1]", "[0,1]")+","+one("b", "U8", "[1]", "[2,3]")+"}", 3), ErrCorrupt},
	{"overlap", file("{"+one("a", "U8", "[2]", "[0,2]")+","+one("b", "U8", "[2]", "[1,3]")+"}", 3), ErrCorrupt},
	{"starts late", file("{"+one("a", "U8", "[1]", "[1,2]")+"}", 2), ErrCorrupt},
	{"data left", file("{"+one("a", "U8", "[1]", "[0,1]")+"}", 2), ErrCorrupt},
	{"data missing", file("{"+one("a", "U8", "[4]", "[0,4]")+"}", 3), ErrCorrupt},
	{"size differs", file("{"+one("a", "F32", "[2]", "[0,4]")+"}", 4), ErrCorrupt},
	{"product overflows", file("{"+one("a", "U8", "[4294967296,4294967296,4294967296]", "[0,0]")+"}", 0), ErrCorrupt},
	{"product overflows to the size", file("{"+one("a", "F64", "[2305843009213693952]", "[0,0]")+"}", 0), ErrCorrupt},
	{"negative side", file("{"+one("a", "U8", "[-1,-4]", "[0,4]")+"}", 4), ErrCorrupt},
	{"side is 1.5", file("{"+one("a", "U8", "[1.5]", "[0,1]")+"}", 1), ErrCorrupt},
	{"offsets backwards", file("{"+one("a", "U8", "[1]", "[1,0]")+"}", 1), ErrCorrupt},
	{"three offsets", file("{"+one("a", "U8", "[1]", "[0,1,2]")+"}", 1), ErrCorrupt},
	{"nested deep", file(`{"a":`+strings.Repeat("[", 20_000), 0), ErrCorrupt},
}

func TestBrokenFiles(t *testing.T) {
	for _, c := range brokenFiles {
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := os.WriteFile(path, c.b, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v, want fs.ErrNotExist", err)
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{t.TempDir(), pipe} {
		if _, err := Open(path); !errors.Is(err, ErrNotSafetensors) {
			t.Errorf("%s: %v, want ErrNotSafetensors", path, err)
		}
	}
}

func TestWriteErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.safetensors")
	byteTensor := Tensor{U8, []int{1}, []byte{1}}
	for name, c := range map[string]struct {
		list []NamedTensor
		want error
	}{
		"no name":   {[]NamedTensor{{"", byteTensor}}, ErrTensor},
		"metadata":  {[]NamedTensor{{"__metadata__", byteTensor}}, ErrTensor},
		"twice":     {[]NamedTensor{{"a", byteTensor}, {"a", byteTensor}}, ErrTensor},
		"size":      {[]NamedTensor{{"a", Tensor{F32, []int{1}, []byte{1}}}}, ErrTensor},
		"negative":  {[]NamedTensor{{"a", Tensor{U8, []int{-1, -1}, []byte{1}}}}, ErrTensor},
		"dtype":     {[]NamedTensor{{"a", Tensor{"F4", []int{1}, []byte{1}}}}, ErrDType},
		"overflows": {[]NamedTensor{{"a", Tensor{F64, []int{1 << 61}, nil}}}, ErrTensor},
	} {
		if err := Write(path, c.list, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Errorf("failed writes left %v", list)
	}
}

// FuzzOpen parses arbitrary bytes as a file. It must not panic, and what it
// accepts must survive writing and parsing again.
func FuzzOpen(f *testing.F) {
	for _, c := range brokenFiles {
		f.Add(c.b)
	}
	_, b := written(f, tensors(), map[string]string{"k": "v"})
	f.Add(b)
	f.Add(file("{"+one("a", "U8", "[0]", "[0,0]")+","+one("b", "U8", "[]", "[0,1]")+"}   ", 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parse(b)
		if err != nil {
			for _, kind := range []error{ErrNotSafetensors, ErrCorrupt, ErrLimit} {
				if errors.Is(err, kind) {
					return
				}
			}
			t.Fatalf("%v wraps none of the package's errors", err)
		}
		var list []NamedTensor
		for name, e := range h.tensors {
			if e.dtype.SizeBytes() == 0 {
				return // read, but not written
			}
			if name == "" {
				return // readable, never written
			}
			list = append(list, NamedTensor{name, Tensor{e.dtype, e.shape, b[h.end+e.from : h.end+e.to]}})
		}
		_, again := written(t, list, h.metadata)
		h2, err := parse(again)
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v\n%q", err, again)
		}
		if len(h2.tensors) != len(h.tensors) || len(h2.metadata) != len(h.metadata) {
			t.Fatalf("%v became %v", h, h2)
		}
	})
}

func BenchmarkFloat32s(b *testing.B) {
	for _, d := range []DType{F32, F16, BF16} {
		b.Run(string(d), func(b *testing.B) {
			tensor := Tensor{d, []int{1 << 20}, make([]byte, d.SizeBytes()<<20)}
			b.SetBytes(int64(len(tensor.Data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tensor.Float32s(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestOtherTypes reads a file with elements that cannot be converted, or are not even
// known. Only those tensors are refused, by the name of their type.
func TestOtherTypes(t *testing.T) {
	for name, bytes := range map[string]int{"F8_E4M3": 4, "C128": 64, "F4": 2, "MXFP4_new": 7} {
		f, err := Parse(file("{"+one("a", name, "[4]", fmt.Sprintf("[0,%d]", bytes))+","+one("b", "F32", "[1]", fmt.Sprintf("[%d,%d]", bytes, bytes+4))+"}", bytes+4))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b, err := f.Tensor("b")
		if err != nil {
			t.Fatal(err)
		}
		if x, err := b.Float32s(); err != nil || len(x) != 1 {
			t.Errorf("%s: the tensor beside it: %v, %v", name, x, err)
		}
		a, err := f.Tensor("a")
		if err != nil || a.Elements() != 4 || string(a.DType) != name || len(a.Data) != bytes {
			t.Errorf("%v, %v", a, err)
		}
		if _, err := a.Float32s(); !errors.Is(err, ErrDType) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s as floats: %v", name, err)
		}
	}
}
