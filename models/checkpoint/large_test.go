package checkpoint

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// shape is a tensor of a network that is written as zeros.
type shape struct {
	name string
	size []int
}

// llamaGenXXL has the tensors of LlamaGen-XXL for classes: 1.4 billion parameters.
func llamaGenXXL() []shape {
	const layers, width, hidden, vocabulary, classes = 48, 1536, 4096, 16384, 1000
	list := []shape{
		{"tok_embeddings.weight", []int{vocabulary, width}},
		{"cls_embedding.embedding_table.weight", []int{classes + 1, width}},
		{"norm.weight", []int{width}},
		{"output.weight", []int{vocabulary, width}},
	}
	for i := range layers {
		l := fmt.Sprintf("layers.%d.", i)
		list = append(list,
			shape{l + "attention_norm.weight", []int{width}},
			shape{l + "attention.wqkv.weight", []int{3 * width, width}},
			shape{l + "attention.wo.weight", []int{width, width}},
			shape{l + "ffn_norm.weight", []int{width}},
			shape{l + "feed_forward.w1.weight", []int{hidden, width}},
			shape{l + "feed_forward.w3.weight", []int{hidden, width}},
			shape{l + "feed_forward.w2.weight", []int{width, hidden}})
	}
	return list
}

func (s shape) elements() int {
	n := 1
	for _, side := range s.size {
		n *= side
	}
	return n
}

// TestLarge opens 2.8 GB of f16 from a torch file and from a folder. Opening takes
// memory for names and not for weights, and a tensor takes its own.
func TestLarge(t *testing.T) {
	list := llamaGenXXL()
	dir := t.TempDir()
	writeZeroFolder(t, dir, list)
	for _, path := range []string{writeZeroTorch(t, list), dir} {
		before := allocated()
		c, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if n := allocated() - before; n > 8<<20 {
			t.Errorf("%s: opening allocates %d bytes", c.Format(), n)
		}
		checkLarge(t, c, list)
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func checkLarge(t *testing.T, c *Checkpoint, list []shape) {
	t.Helper()
	n := 0
	for _, s := range list {
		n += s.elements()
		if got, ok := c.Shape(s.name); !ok || !slices.Equal(got, s.size) {
			t.Errorf("%s: %s is %v", c.Format(), s.name, got)
		}
	}
	if n != 1_410_972_672 || c.Bytes() != int64(2*n) {
		t.Errorf("%s: %d parameters, %d bytes", c.Format(), n, c.Bytes())
	}
	before := allocated()
	got, err := c.Floats("output.weight")
	if err != nil || len(got) != 16384*1536 || got[0] != 0 {
		t.Errorf("%s: %d floats, %v", c.Format(), len(got), err)
	}
	if n := allocated() - before; n > 7*uint64(len(got)) { // 4 bytes of f32, 2 of f16
		t.Errorf("%s: a tensor of %d elements allocates %d bytes", c.Format(), len(got), n)
	}
}

// writeZeroTorch writes the tensors as torch.save does, in f16, to a sparse file.
func writeZeroTorch(t *testing.T, list []shape) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "zero.pt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := zip.NewWriter(&sparse{f: f})
	add := func(name string, sizeBytes int, r io.Reader) {
		e, err := w.CreateRaw(&zip.FileHeader{Name: "zero/" + name, CompressedSize64: uint64(sizeBytes), UncompressedSize64: uint64(sizeBytes)})
		if err == nil {
			_, err = io.CopyN(e, r, int64(sizeBytes))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	pickle := zeroPickle(list)
	add("data.pkl", len(pickle), strings.NewReader(pickle))
	for i, s := range list {
		add(fmt.Sprint("data/", i), 2*s.elements(), zeros{})
	}
	add("byteorder", 6, strings.NewReader("little"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// zeroPickle is {"model": {name: tensor, ...}}, tensor i over storage i.
func zeroPickle(list []shape) string {
	integer := func(n int) string { return "J" + string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }
	var b strings.Builder
	b.WriteString("\x80\x02}" + text("model") + "}(")
	for i, s := range list {
		size, stride := "(", "("
		step := s.elements()
		for _, side := range s.size {
			step /= side
			size += integer(side)
			stride += integer(step)
		}
		b.WriteString(text(s.name) + "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nHalfStorage\n" +
			text(fmt.Sprint(i)) + text("cpu") + integer(s.elements()) + "tQK\x00" + size + "t" + stride + "t\x89}tR")
	}
	return b.String() + "us."
}

// writeZeroFolder writes config.json and model.safetensors, a sparse file of f16.
func writeZeroFolder(t *testing.T, dir string, list []shape) {
	t.Helper()
	type entry struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	header := map[string]entry{}
	at := 0
	for _, s := range list {
		header[s.name] = entry{"F16", s.size, [2]int{at, at + 2*s.elements()}}
		at += 2 * s.elements()
	}
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "model.safetensors")
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"n_layer": 48}`), 0o600),
		os.WriteFile(path, append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), 0o600),
		os.Truncate(path, int64(8+len(text)+at)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// zeros is a reader of zeros without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// sparse writes a file and leaves a hole for a block of zeros.
type sparse struct{ f *os.File }

var zeroBlock [1 << 15]byte

func (s *sparse) Write(p []byte) (int, error) {
	if len(p) > 1<<10 && bytes.Equal(p, zeroBlock[:min(len(p), len(zeroBlock))]) {
		_, err := s.f.Seek(int64(len(p)), io.SeekCurrent)
		return len(p), err
	}
	return s.f.Write(p)
}
