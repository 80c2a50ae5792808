package torch

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
)

// kinds are the errors that bytes alone may cause.
var kinds = []error{ErrFormat, ErrUnsafe, ErrLimit}

func checkKind(t *testing.T, err error) {
	t.Helper()
	if !slices.ContainsFunc(kinds, func(k error) bool { return errors.Is(err, k) }) {
		t.Fatalf("error %v is of no kind", err)
	}
}

// FuzzPickle runs any bytes as a pickle. Tensors that come out must be readable in
// whole, and every error must be of a kind.
func FuzzPickle(f *testing.F) {
	for _, c := range malicious {
		f.Add([]byte(c.program))
	}
	for _, c := range broken {
		if len(c.program) < 1<<12 {
			f.Add([]byte(c.program + "."))
		}
	}
	f.Add([]byte(oneTensor))
	for _, name := range []string{"dtypes.pt", "views.pt", "wrapped.pt", "wrapped4.pt", "protocol5.pt", "object.pt"} {
		f.Add(pickleOf(f, name))
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		v, err := (&machine{in: program, storage: storages}).run()
		if err != nil {
			checkKind(t, err)
			return
		}
		readAll(t, v)
	})
}

// pickleOf returns the pickle of a file of testdata.
func pickleOf(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	a := &archive{r: bytes.NewReader(b), sizeBytes: int64(len(b))}
	if a.entries, err = readTable(a.r, a.sizeBytes); err != nil {
		t.Fatal(err)
	}
	if a.folder, err = a.findPickle(); err != nil {
		t.Fatal(err)
	}
	in, err := a.readAll("data.pkl", MaxPickleBytes)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// readAll reads the tensors of a dictionary, and of those in it.
func readAll(t *testing.T, v any) {
	t.Helper()
	seen := map[*Dict]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case *Tensor:
			readTensor(t, v)
		case *Dict:
			if seen[v] || len(seen) > 100 {
				return
			}
			seen[v] = true
			for _, item := range v.All() {
				walk(item)
			}
		}
	}
	walk(v)
}

func readTensor(t *testing.T, x *Tensor) {
	t.Helper()
	if n := x.Elements(); n > 1<<16 {
		return // an expanded view, of at most MaxExpanded elements
	}
	b, err := x.Bytes()
	if err != nil {
		checkKind(t, err)
		return
	}
	if len(b) != x.Elements()*x.DType.SizeBytes() {
		t.Fatalf("%d bytes of %v of %v", len(b), x.Shape, x.DType)
	}
	if _, err := x.Float32s(); err != nil && !errors.Is(err, safetensors.ErrDType) {
		t.Fatal(err)
	}
}

// FuzzRead opens any bytes as an archive.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"views.pt", "deflated.pt", "script.pt", "legacy.pt", "wrapped4.pt"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	ones := strings.Repeat("\x00\x00\x80\x3f", 12)
	f.Add(archived(f, 0, plain("m/data.pkl", oneTensor), plain("m/data/0", ones), plain("m/byteorder", "little")))
	f.Add(archived(f, 48, plain("data.pkl", oneTensor), record{"data/0", "\x01\x2c\x00\xd3\xff" + ones[4:], 8}))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			checkKind(t, err)
			return
		}
		readAll(t, file.Root())
	})
}
