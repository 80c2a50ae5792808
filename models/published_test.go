package models_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// folder copies files into a folder of their own, by their new names.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, from := range files {
		data := must(os.ReadFile(from))(t)
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	tinySystems = "systems/testdata/"
	tinyVQ      = "tokenizer/vq/testdata/"
)

// llamaFiles are a tiny LlamaGen with the tiny tokenizer of the same code book.
func llamaFiles() map[string]string {
	return map[string]string{
		"config.json": tinySystems + "llamagen/config.json", "c2i.safetensors": tinySystems + "llamagen/weights.safetensors",
		"vq.safetensors": tinyVQ + "decoder.safetensors", "tokenizer.json": tinyVQ + "config.json",
	}
}

// TestPicturesOfAFolder opens a folder of a generator and its tokenizer, and the file of the
// generator, and draws the same picture with both.
func TestPicturesOfAFolder(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		dir := folder(t, llamaFiles())
		var first *models.Result
		for _, path := range []string{dir, filepath.Join(dir, "c2i.safetensors")} {
			p := must(models.Open(dev, system.Image, path, models.Options{}))(t)
			res := must(p.Generate(context.Background(), models.Request{ID: "a", Seed: 1, Class: 7}))(t)
			got, side := res.Media.Picture, p.System().Format.Side
			if h, w := p.System().Grid[1]*side, p.System().Grid[2]*side; got.H != h || got.W != w || h != 16 {
				t.Errorf("a picture of %dx%d, want %dx%d", got.H, got.W, h, w)
			}
			if first == nil {
				first = res
			} else if !slices.Equal(first.Media.Picture.Pix, got.Pix) {
				t.Errorf("%s draws another picture", path)
			}
			back, _, err := p.Decode(res.Sample)
			if err != nil || !slices.Equal(back.Picture.Pix, got.Pix) {
				t.Error("the sample gives another picture")
			}
			if _, err := p.Generate(context.Background(), models.Request{ID: "a", Class: 10}); !errors.Is(err, system.ErrPrompt) {
				t.Errorf("class 10 of 10: %v", err)
			}
			p.Close()
		}
	})
}

// TestPublishedErrors checks which folders are refused, and why.
func TestPublishedErrors(t *testing.T) {
	several := llamaFiles()
	several["par.safetensors"] = tinySystems + "par/weights.safetensors"
	alone := map[string]string{"vq.safetensors": tinyVQ + "decoder.safetensors", "config.json": tinyVQ + "config.json"}
	for name, c := range map[string]struct {
		files map[string]string
		want  error
	}{
		"several generators": {several, models.ErrFolder},
		"a tokenizer alone":  {alone, system.ErrUnknown},
		"nothing":            {nil, system.ErrUnknown},
	} {
		if _, err := models.OpenPublished(folder(t, c.files)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := models.OpenPublished(filepath.Join(t.TempDir(), "none.pt")); !errors.Is(err, models.ErrFolder) {
		t.Errorf("no file: %v", err)
	}
	p := must(models.OpenPublished(folder(t, map[string]string{"config.json": tinySystems + "nar/config.json", "model.safetensors": tinySystems + "nar/weights.safetensors"})))(t)
	defer p.Close()
	if p.Name != "nar" || p.Tokenizer != nil || p.System.Grid != [3]int{1, 5, 5} {
		t.Errorf("%s, tokenizer %v, grid %v", p.Name, p.Tokenizer, p.System.Grid)
	}
}

// varFiles are a tiny VAR with its tokenizer.
func varFiles() map[string]string {
	return map[string]string{
		"config.json": tinySystems + "var/config.json", "var_d3.safetensors": tinySystems + "var/weights.safetensors",
		"vae.safetensors": "tokenizer/msvq/testdata/decoder.safetensors", "tokenizer.json": "tokenizer/msvq/testdata/config.json",
	}
}

// TestVARPicture draws the authors' picture from a folder of a generator and its
// tokenizer: the likeliest tokens with guidance, through the decoder.
func TestVARPicture(t *testing.T) {
	golden := must(safetensors.Open(tinySystems + "var/golden.safetensors"))(t)
	defer golden.Close()
	want := must(must(golden.Tensor("ref_greedy_cfg1.5.image"))(t).Float32s())(t) // [2, 3, 24, 24] of 0 to 1
	labels := must(golden.Tensor("in.labels"))(t).Data
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		m := must(models.Open(dev, system.Image, folder(t, varFiles()), models.Options{Precision: nn.F32}))(t)
		defer m.Close()
		scale := 2.5
		for b := range 2 {
			r := models.Request{ID: "a", Class: int(labels[4*b]), Guidance: &scale, Sampling: &models.Sampling{}}
			res := must(m.Generate(context.Background(), r))(t)
			pix := res.Media.Picture
			if pix.H != 24 || pix.W != 24 || res.Sample.Kind != shard.KindScales || len(res.Sample.Tokens) != 91 {
				t.Fatalf("a picture of %dx%d, a sample of %d %s tokens", pix.H, pix.W, len(res.Sample.Tokens), res.Sample.Kind)
			}
			for i, x := range pix.Pix {
				y := float64(want[(3*b+i%3)*24*24+i/3])
				if d := float64(x)/255 - y; d > 0.003 || d < -0.003 {
					t.Fatalf("sample %d: byte %d is %d, want %g", b, i, x, 255*y)
				}
			}
			back, _, err := m.Decode(res.Sample)
			if err != nil || !slices.Equal(back.Picture.Pix, pix.Pix) {
				t.Errorf("the sample gives another picture: %v", err)
			}
		}
	})
}

// TestVARSmoothPicture holds the picture of the authors' tokens between codes to theirs, and draws
// one from a folder that asks for such tokens.
func TestVARSmoothPicture(t *testing.T) {
	golden := must(safetensors.Open(tinySystems + "var/golden.safetensors"))(t)
	defer golden.Close()
	want := must(must(golden.Tensor("ref_smooth_cfg1.5.image"))(t).Float32s())(t)
	dir := folder(t, varFiles())
	config := must(os.ReadFile(filepath.Join(dir, "config.json")))(t)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), append([]byte(`{"more_smooth": true, `), bytes.TrimSpace(config)[1:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		m := must(models.Open(dev, system.Image, dir, models.Options{Precision: nn.F32}))(t)
		defer m.Close()
		for b := range 2 {
			s := shard.Sample{ID: "a", Kind: shard.KindScales, Grid: []int32{1, 2, 3, 4, 5, 6, 8}}
			for k := range 6 {
				h := must(must(golden.Tensor(fmt.Sprint("smooth_cfg1.5.h_scale", k)))(t).Float32s())(t)
				for _, x := range h[b*len(h)/2 : (b+1)*len(h)/2] {
					s.Tokens = append(s.Tokens, int64(math.Float32bits(x)))
				}
			}
			media, _, err := m.Decode(s)
			if err != nil {
				t.Fatal(err)
			}
			pix := media.Picture
			for i, x := range pix.Pix {
				y := float64(want[(3*b+i%3)*24*24+i/3])
				if d := float64(x)/255 - y; d > 0.003 || d < -0.003 {
					t.Fatalf("sample %d: byte %d is %d, want %g", b, i, x, 255*y)
				}
			}
		}
		res := must(m.Generate(context.Background(), models.Request{ID: "a", Class: 3}))(t)
		back, _, err := m.Decode(res.Sample)
		if err != nil || !slices.Equal(back.Picture.Pix, res.Media.Picture.Pix) {
			t.Errorf("the sample gives another picture: %v", err)
		}
		res.Sample.Grid = res.Sample.Grid[:6]
		if _, _, err := m.Decode(res.Sample); !errors.Is(err, shard.ErrSample) {
			t.Errorf("a sample of indices: %v", err)
		}
	})
}

// octgptFiles are a folder of OctGPT's generator, and with a tokenizer beside it.
func octgptFiles(t *testing.T, tokenizer string) string {
	t.Helper()
	files := map[string]string{"octgpt.safetensors": tinySystems + "octgpt/weights.safetensors"}
	if tokenizer != "" {
		files["vqvae.safetensors"] = "tokenizer/octgpt/testdata/weights.safetensors"
	}
	dir := folder(t, files)
	config := `{"num_heads": 2, "patch_size": 64, "buffer_size": 16, "num_iters": [1, 2, 2, 2], "start_temperature": [0.7, 0.8, 0.8, 0.9], "max_nodes": 16384}`
	for name, text := range map[string]string{"config.json": config, "tokenizer.json": tokenizer} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestOctGPTShape draws from a folder of OctGPT's generator: from nothing, and behind the coarse
// cells of a mesh. Without a tokenizer it is the hull of the cells. With one it is the surface of
// the codes' field, of the same sample, in triangles or quads.
func TestOctGPTShape(t *testing.T) {
	source := must(surfaceOf("../testdata/mesh/scopia_bowl.obj"))(t)
	drawn := map[string][]int64{}
	for kind, tokenizer := range map[string]string{"hull": "", "triangles": `{"resolution": 64}`, "quads": `{"resolution": 64, "faces": "quads"}`} {
		dir := octgptFiles(t, tokenizer)
		gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
			m := must(models.Open(dev, system.Shape, dir, models.Options{Slots: 1, Precision: nn.F32}))(t)
			defer m.Close()
			for _, r := range []models.Request{{ID: "a", Class: 1}, {ID: "b", Class: 1, Source: system.Media{Mesh: source}, Extent: system.Extent{PrefixDepth: 4}}} {
				res := must(m.Generate(context.Background(), r))(t)
				made := res.Media.Mesh
				if made.Validate() != nil || made.NumFaces() < 6*4 || res.Sample.Kind != shard.KindOctreeCodes || !slices.Equal(res.Sample.Grid, []int32{3, 6}) {
					t.Fatalf("%d faces, a sample of %s %v", made.NumFaces(), res.Sample.Kind, res.Sample.Grid)
				}
				back, _, err := m.Decode(res.Sample)
				if err != nil || !slices.Equal(back.Mesh.Vertices, made.Vertices) {
					t.Errorf("the sample gives another mesh: %v", err)
				}
				if report := must(mesh.Measure(made))(t); kind != "hull" && !report.Watertight || (report.Triangles > 0) != (kind == "triangles") {
					t.Errorf("%s: watertight %v, %d triangles of %d faces", kind, report.Watertight, report.Triangles, report.Faces)
				}
				if tokens := drawn[r.ID]; tokens != nil && !slices.Equal(tokens, res.Sample.Tokens) {
					t.Errorf("%s: the tokenizer changes what is drawn", r.ID)
				}
				drawn[r.ID] = res.Sample.Tokens
			}
		})
	}
}

// TestOctGPTTokens codes a mesh with the tokenizer of a folder, and turns it back.
func TestOctGPTTokens(t *testing.T) {
	source := must(surfaceOf("../testdata/mesh/scopia_vase3.obj"))(t)
	dir := octgptFiles(t, `{"resolution": 64}`)
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		m := must(models.Open(dev, system.Shape, dir, models.Options{Slots: 1}))(t)
		defer m.Close()
		s, measures, err := m.Encode("vase", system.Media{Mesh: source}, system.Extent{})
		if err != nil || measures["nodes"] < 1000 {
			t.Fatalf("%v, %v", measures, err)
		}
		back, _, err := m.Decode(s)
		if err != nil || back.Mesh.NumFaces() == 0 {
			t.Fatal(err)
		}
		lo, hi := mesh.Bounds(source)
		low, high := mesh.Bounds(back.Mesh)
		half := max(hi[0]-lo[0], hi[1]-lo[1], hi[2]-lo[2]) / 2
		for axis := range lo { // random weights know no shape, but the box is that of the source
			if middle := (lo[axis] + hi[axis]) / 2; low[axis] < middle-half*0.9/0.8 || high[axis] > middle+half*0.9/0.8 {
				t.Errorf("axis %d: from %g to %g, the source from %g to %g", axis, low[axis], high[axis], lo[axis], hi[axis])
			}
		}
		if _, err := system.CodecOf(s.Kind); err != nil {
			t.Error(err)
		}
	})
}

// surfaceOf reads a mesh.
func surfaceOf(path string) (*mesh.Mesh, error) {
	m, _, err := meshfile.Read(path, meshfile.Options{})
	return m, err
}

// TestGeneratorNeedsItsTokenizer opens a VAR without its tokenizer, and says so.
func TestGeneratorNeedsItsTokenizer(t *testing.T) {
	files := varFiles()
	delete(files, "vae.safetensors")
	// A released generator has no tensors of the tokenizer.
	p := must(models.OpenPublished(folder(t, files)))(t)
	defer p.Close()
	if why := p.Usable(); why == nil || !strings.Contains(why.Error(), "no tokenizer") {
		t.Errorf("usable: %v", why)
	}
}
