package torch

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
)

// opened returns a file of testdata.
func opened(t testing.TB, name string) *File {
	t.Helper()
	f, err := Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// weights returns the dictionary of a file's tensors.
func weights(t testing.TB, name string) *Dict {
	t.Helper()
	d, ok := opened(t, name).Root().(*Dict)
	if !ok {
		t.Fatalf("%s holds no dictionary", name)
	}
	if model, ok := d.Get("model"); ok {
		d = model.(*Dict)
	}
	return d
}

// TestReadsWhatTorchReads compares every tensor of every file with what torch itself
// read from it (testdata/make.py).
func TestReadsWhatTorchReads(t *testing.T) {
	expected, err := safetensors.Open(filepath.Join("testdata", "expected.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer expected.Close()
	files := map[string]int{}
	for _, key := range expected.Names() {
		file, _, _ := strings.Cut(key, ":")
		files[file]++
	}
	if len(files) < 8 {
		t.Fatalf("only %d files are expected", len(files))
	}
	for file, n := range files {
		t.Run(file, func(t *testing.T) {
			for name, v := range weights(t, file).All() {
				if x, ok := v.(*Tensor); ok {
					n--
					compare(t, expected, file+":"+name, x)
				}
			}
			if n != 0 {
				t.Errorf("%d tensors more are expected", n)
			}
		})
	}
}

func compare(t *testing.T, expected *safetensors.File, key string, x *Tensor) {
	t.Helper()
	want, err := expected.Tensor(key)
	if err != nil {
		t.Fatal(err)
	}
	var about struct {
		DType string
		Shape []int
	}
	if err := json.Unmarshal([]byte(expected.Metadata()[key]), &about); err != nil {
		t.Fatal(err)
	}
	if string(x.DType) != about.DType || !slices.Equal(x.Shape, about.Shape) {
		t.Errorf("%s is %v of %v, want %v", key, x.Shape, x.DType, about)
	}
	if want.DType == safetensors.F32 {
		compareFloats(t, key, x, want)
		return
	}
	got, err := x.Bytes()
	if err != nil || !bytes.Equal(got, want.Data) {
		t.Errorf("%s has bytes % x, %v; want % x", key, got, err, want.Data)
	}
	if _, err := x.Float32s(); !errors.Is(err, safetensors.ErrDType) || !strings.Contains(err.Error(), about.DType) {
		t.Errorf("%s as floats: %v, want ErrDType that names %s", key, err, about.DType)
	}
}

func compareFloats(t *testing.T, key string, x *Tensor, want safetensors.Tensor) {
	t.Helper()
	floats, err := want.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	got, err := x.Float32s()
	same := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b }
	if err != nil || !slices.EqualFunc(got, floats, same) {
		t.Errorf("%s is %v, %v; want %v", key, got, err, floats)
	}
}

// TestNotes reads what lies beside the weights.
func TestNotes(t *testing.T) {
	for _, name := range []string{"wrapped.pt", "wrapped4.pt"} {
		d := opened(t, name).Root().(*Dict)
		for key, want := range map[string]any{
			"args":    Inert{"argparse.Namespace"},
			"config":  Inert{"omegaconf.dictconfig.DictConfig"},
			"steps":   int64(3),
			"loss":    0.5,
			"name":    "tiny",
			"counts":  Inert{"collections.defaultdict"},
			"counter": Inert{"collections.Counter"},
		} {
			if got, _ := d.Get(key); got != want {
				t.Errorf("%s: %s is %v, want %v", name, key, got, want)
			}
		}
		kinds, _ := d.Get("kinds")
		items := kinds.(*List).Items
		for i, want := range map[int]any{3: int64(-5), 4: int64(-1 << 40), 6: nil, 7: true, 2: Inert{"builtins.int"}} {
			if items[i] != want {
				t.Errorf("%s: kinds[%d] is %v, want %v", name, i, items[i], want)
			}
		}
		if size, ok := items[8].(Tuple); !ok || !slices.Equal(size, Tuple{int64(1), int64(2)}) {
			t.Errorf("%s: torch.Size is %v", name, items[8])
		}
		if d.Len() != 11 {
			t.Errorf("%s has %d keys", name, d.Len())
		}
	}
}

// TestTied checks that a parameter under two names is one tensor.
func TestTied(t *testing.T) {
	d := weights(t, "views.pt")
	a, _ := d.Get("tied.a")
	b, _ := d.Get("tied.b")
	if a.(*Tensor).storage != b.(*Tensor).storage {
		t.Error("tied parameters have two storages")
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		want error
		says string
	}{
		{"legacy.pt", ErrLegacy, "torch.save(torch.load(old), new)"},
		{"legacy.pt", ErrFormat, "1.6"},
		{"object.pt", ErrUnsafe, "torch.nn.modules.linear.Linear"},
		{"sparse.pt", ErrUnsafe, "torch._utils._rebuild_sparse_tensor"},
		{"command.pt", ErrUnsafe, "posix.system"},
		{"command5.pt", ErrUnsafe, "posix.system"},
		{"script.pt", ErrFormat, "TorchScript"},
		{"make.py", ErrFormat, `"\"\"\"Makes`},
		{"none.pt", fs.ErrNotExist, "none.pt"},
		{".", ErrFormat, "d"},
	} {
		_, err := Open(filepath.Join("testdata", c.name))
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v that says %q", c.name, err, c.want, c.says)
		}
	}
	if _, err := os.Stat(filepath.Join("testdata", "owned")); err == nil {
		t.Error("command.pt ran its command")
	}
}

func TestClosed(t *testing.T) {
	f, err := Open(filepath.Join("testdata", "module.pt"))
	if err != nil {
		t.Fatal(err)
	}
	v, _ := f.Root().(*Dict).Get("conv.weight")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := v.(*Tensor).Float32s(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: %v, want fs.ErrClosed", err)
	}
}
