package checkpoint

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/torch"
	"github.com/morton-gen/morton/models/nn"
)

// expected is what torch reads from the test checkpoints (testdata/make.py).
type expected struct {
	Tensors map[string]struct {
		DType string
		Shape []int
	}
	Floats map[string][]float32
}

func readExpected(t testing.TB) *expected {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var e expected
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	return &e
}

func opened(t testing.TB, path string) *Checkpoint {
	t.Helper()
	c, err := Open(filepath.Join("testdata", path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// cases are checkpoints that all hold the same tensors.
var cases = []struct {
	path, format, part, stripped string
	parts                        []string
	configured                   bool
	metadata                     map[string]string
}{
	{path: "toy.safetensors", format: "safetensors", metadata: map[string]string{"format": "pt"}},
	{path: "whole", format: "safetensors", configured: true, metadata: map[string]string{"format": "pt"}},
	{path: "whole-torch", format: "torch", parts: []string{""}, configured: true},
	{path: "whole-torch/pytorch_model.bin", format: "torch", parts: []string{""}},
	{path: "sharded", format: "Hugging Face, 3 shards", configured: true, metadata: map[string]string{"total_size": "120", "note": "toy", "format": "pt"}},
	{path: "sharded-torch", format: "Hugging Face, 3 torch shards", parts: []string{""}, configured: true, metadata: map[string]string{"total_size": "120", "note": "toy"}},
	{path: "both", format: "safetensors", configured: true, metadata: map[string]string{"format": "pt"}},
	{path: "named", format: "torch", parts: []string{""}, configured: true},
	{path: "unconfigured/toy.ckpt", format: "torch", parts: []string{""}},
	{path: "several/a.pt", format: "torch", parts: []string{""}},
	{path: "wrapped.pt", format: "torch", part: "model", parts: []string{"ema", "model"}, metadata: map[string]string{"steps": "3", "loss": "0.5", "name": "toy"}},
	{path: "module.pt", format: "torch", part: "module", parts: []string{"module"}, stripped: "module._orig_mod."},
	{path: "ema.pt", format: "torch", part: "ema", parts: []string{"", "ema"}},
	{path: "vae.pt", format: "torch", part: "vae", parts: []string{"vae"}},
}

func TestOpen(t *testing.T) {
	want := readExpected(t)
	for _, c := range cases {
		t.Run(c.path, func(t *testing.T) {
			got := opened(t, c.path)
			if got.Format() != c.format || got.Part() != c.part || got.Stripped() != c.stripped {
				t.Errorf("format %q, part %q, stripped %q", got.Format(), got.Part(), got.Stripped())
			}
			if !slices.Equal(got.Parts(), c.parts) || !maps.Equal(got.Metadata(), c.metadata) {
				t.Errorf("parts %q, metadata %q", got.Parts(), got.Metadata())
			}
			checkConfigured(t, got, c.configured)
			checkTensors(t, got, want)
		})
	}
}

func checkConfigured(t *testing.T, c *Checkpoint, configured bool) {
	t.Helper()
	if !configured {
		if c.Config() != nil {
			t.Errorf("config %s", c.Config())
		}
		return
	}
	var config struct {
		Width int `json:"hidden_size"`
	}
	if err := json.Unmarshal(c.Config(), &config); err != nil || config.Width != 4 {
		t.Errorf("config %s: %v", c.Config(), err)
	}
}

func checkTensors(t *testing.T, c *Checkpoint, want *expected) {
	t.Helper()
	if names := slices.Sorted(maps.Keys(want.Tensors)); !slices.Equal(c.Names(), names) {
		t.Fatalf("names %q, want %q", c.Names(), names)
	}
	if c.Bytes() != 120 { // as the index of shards says by its total_size
		t.Errorf("%d bytes", c.Bytes())
	}
	for name, about := range want.Tensors {
		shape, ok := c.Shape(name)
		if !ok || !slices.Equal(shape, about.Shape) || c.DType(name) != about.DType {
			t.Errorf("%s is %v %v of %q, want %v", name, ok, shape, c.DType(name), about)
		}
		got, err := c.Floats(name)
		if floats, ok := want.Floats[name]; !ok {
			if !errors.Is(err, nn.ErrWeights) || !strings.Contains(err.Error(), about.DType) {
				t.Errorf("%s of %s: %v, want ErrWeights", name, about.DType, err)
			}
		} else if err != nil || !slices.Equal(got, floats) {
			t.Errorf("%s is %v, %v; want %v", name, got, err, floats)
		}
	}
}

func TestUnknownTensor(t *testing.T) {
	c := opened(t, "wrapped.pt")
	if _, ok := c.Shape("none"); ok || c.DType("none") != "" {
		t.Error("a tensor that is not there has a shape")
	}
	if _, err := c.Floats("none"); !errors.Is(err, nn.ErrWeights) {
		t.Errorf("got %v, want ErrWeights", err)
	}
}

// TestPart opens the part beside the usual one: each tensor is one more there.
func TestPart(t *testing.T) {
	want := readExpected(t)
	path := filepath.Join("testdata", "wrapped.pt")
	c, err := OpenPart(path, "ema")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := c.Floats("blocks.0.bias")
	if err != nil || c.Part() != "ema" {
		t.Fatalf("part %q, %v", c.Part(), err)
	}
	for i, v := range want.Floats["blocks.0.bias"] {
		if d := got[i] - v; d < 0.99 || d > 1.01 { // the sum is rounded to BF16
			t.Errorf("element %d is %g, want %g + 1", i, got[i], v)
		}
	}
	deep, err := OpenPart(filepath.Join("testdata", "parts.pt"), "trainer/decoder")
	if err != nil {
		t.Fatal(err)
	}
	if err := deep.Close(); err != nil || deep.Part() != "trainer/decoder" {
		t.Errorf("part %q, %v", deep.Part(), err)
	}
	empty, err := OpenPart(filepath.Join("testdata", "toy.safetensors"), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := empty.Close(); err != nil {
		t.Error(err)
	}
}

// TestTrainerPart takes the generator of a trainer's state, in which a tokenizer and an optimizer
// may lie too.
func TestTrainerPart(t *testing.T) {
	parts := map[string]*torch.Dict{}
	for _, name := range []string{"trainer/vae_local", "trainer/var_opt", "trainer/var_wo_ddp"} {
		parts[name] = &torch.Dict{}
	}
	if got, err := choose(parts, nil); err != nil || got != "trainer/var_wo_ddp" {
		t.Errorf("%q, %v", got, err)
	}
	delete(parts, "trainer/var_wo_ddp")
	if _, err := choose(parts, nil); !errors.Is(err, ErrAmbiguous) {
		t.Error(err)
	}
}

func TestSub(t *testing.T) {
	c := opened(t, "sharded")
	s := c.Sub("blocks.")
	if names := s.Names(); !slices.Equal(names, []string{"0.bias", "0.weight", "1.weight"}) {
		t.Errorf("names %q", names)
	}
	if shape, ok := s.Shape("1.weight"); !ok || !slices.Equal(shape, []int{4, 4}) {
		t.Errorf("shape %v, %v", shape, ok)
	}
	got, err := s.Floats("0.bias")
	if want := readExpected(t).Floats["blocks.0.bias"]; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := s.Floats("blocks.0.bias"); !errors.Is(err, nn.ErrWeights) {
		t.Errorf("the whole name: %v, want ErrWeights", err)
	}
	if names := c.Sub("embed.").Names(); !slices.Equal(names, []string{"weight"}) {
		t.Errorf("names %q", names)
	}
	if names := c.Sub("none.").Names(); len(names) != 0 {
		t.Errorf("names %q", names)
	}
}

func TestStrip(t *testing.T) {
	for _, c := range []struct {
		names    []string
		stripped string
	}{
		{[]string{"a", "b"}, ""},
		{[]string{"module.a", "module.b.c"}, "module."},
		{[]string{"module.a", "b"}, ""},
		{[]string{"_orig_mod.module.a"}, "_orig_mod.module."},
		{[]string{"_forward_module.module.a", "_forward_module.b"}, "_forward_module."},
		{[]string{"module.", "module.a"}, ""}, // a tensor has a name
		{[]string{"modules.a"}, ""},
		{[]string{strings.Repeat("module.", maxWrappers+1) + "a"}, strings.Repeat("module.", maxWrappers)},
		{nil, ""},
	} {
		tensors, want := map[string]tensor{}, []string{}
		for _, name := range c.names {
			tensors[name] = tensor{}
			want = append(want, strings.TrimPrefix(name, c.stripped))
		}
		slices.Sort(want)
		stripped, got := strip(tensors)
		if stripped != c.stripped || !slices.Equal(slices.Sorted(maps.Keys(got)), want) && len(want) > 0 {
			t.Errorf("%q: %q removed, %q left", c.names, stripped, slices.Sorted(maps.Keys(got)))
		}
	}
}

func TestRefused(t *testing.T) {
	torchData := filepath.Join("..", "..", "..", "codecs", "torch", "testdata")
	wrong := func(name string) *string { return &name }
	for _, c := range []struct {
		path string
		part *string
		want []error
		says string
	}{
		{"none", nil, []error{fs.ErrNotExist}, "none"},
		{"several", nil, []error{ErrAmbiguous}, `"a.pt", "b.safetensors"`},
		{"unconfigured", nil, []error{ErrFormat}, "toy.ckpt"},
		{".", nil, []error{ErrAmbiguous}, `"ema.pt", "empty.pt"`},
		{"parts.pt", nil, []error{ErrAmbiguous}, `"encoder", "trainer/decoder"`},
		{"wrapped.pt", wrong("optimizer"), []error{ErrPart}, `"ema", "model"`},
		{"toy.safetensors", wrong("model"), []error{ErrPart}, "model"},
		{"list.pt", nil, []error{ErrFormat}, "no dictionary"},
		{"empty.pt", nil, []error{ErrFormat}, "no tensors"},
		{"make.py", nil, []error{ErrFormat, torch.ErrFormat}, "make.py"},
		{filepath.Join(torchData, "legacy.pt"), nil, []error{ErrFormat, torch.ErrLegacy}, "torch.save(torch.load(old), new)"},
		{filepath.Join(torchData, "object.pt"), nil, []error{ErrUnsafe}, "torch.nn.modules.linear.Linear"},
		{filepath.Join(torchData, "sparse.pt"), nil, []error{ErrUnsafe}, "_rebuild_sparse_tensor"},
	} {
		_, err := open(filepath.Join("testdata", c.path), c.part)
		for _, want := range c.want {
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", c.path, err, want)
			}
		}
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v does not say %s", c.path, err, c.says)
		}
	}
}

// TestOtherFiles says what a file is that often stands where weights belong.
func TestOtherFiles(t *testing.T) {
	for text, says := range map[string]string{
		"version https://git-lfs.github.com/spec/v1\noid sha256:0\n": "git lfs pull",
		"GGUF\x03\x00\x00\x00":               "GGUF",
		"<!DOCTYPE html><title>401":          "web page",
		"":                                   "an empty file",
		"\x02\x00\x00\x00\x00\x00\x00\x00{x": "corrupt",
	} {
		path := filepath.Join(t.TempDir(), "model.pt")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.20q: %v, want ErrFormat that says %q", text, err, says)
		}
	}
}

func TestClosed(t *testing.T) {
	for path, want := range map[string]error{"sharded": safetensors.ErrClosed, "sharded-torch": fs.ErrClosed} {
		c, err := Open(filepath.Join("testdata", path))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := c.Floats("embed.weight"); !errors.Is(err, want) {
			t.Errorf("%s after Close: %v, want %v", path, err, want)
		}
	}
}
