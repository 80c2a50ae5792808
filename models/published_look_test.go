package models_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/safetensors/safetensorstest"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/vq"
)

// TestLookAtCounts holds what is told of each tiny checkpoint to its configuration: steps
// of its order, classes and parameters.
func TestLookAtCounts(t *testing.T) {
	for _, c := range []struct {
		name                       string
		classes, reading, drawing  int
		parameters                 int64
		published, kind, condition string
	}{
		{"llamagen", 10, 0, 16, 169088, "llamagen", "image", ""},
		{"llamagen-t2i", 0, 0, 16, 174528, "llamagen-t2i", "image", "text"},
		{"par", 10, 0, 12, 0, "par", "image", ""},
		{"nar", 10, 0, 9, 0, "nar", "image", ""},
		{"nar-video", 10, 0, 7, 0, "nar-video", "video", ""},
	} {
		path := tinySystems + c.name
		if c.name == "llamagen-t2i" {
			path = safetensorstest.Join(t, path+"/weights.safetensors", tinySystems+"llamagen/weights.safetensors", "cls_embedding.*")
			config := must(os.ReadFile(tinySystems + c.name + "/config.json"))(t)
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), "config.json"), config, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		p, why, err := models.LookAt(path)
		if err != nil || why != nil {
			t.Fatalf("%s: %v, %v", c.name, why, err)
		}
		reading, drawing, _, err := p.Steps()
		if err != nil || reading != c.reading || drawing != c.drawing || p.Classes() != c.classes {
			t.Errorf("%s: %d and %d steps, %d classes, %v; want %d, %d, %d", c.name, reading, drawing, p.Classes(), err, c.reading, c.drawing, c.classes)
		}
		if p.Name != c.published || p.Kind != c.kind || (p.System.Layout.Features > 0) != (c.condition == "text") {
			t.Errorf("%s is %s of %s", c.name, p.Name, p.Kind)
		}
		if n := p.System.Params.Count(); c.parameters > 0 && n != c.parameters {
			t.Errorf("%s: %d parameters, want %d", c.name, n, c.parameters)
		}
		if unfit := p.Unfit(); len(unfit) > 0 {
			t.Errorf("%s: %v do not fit", c.name, unfit)
		}
		p.Close()
	}
}

// without copies a checkpoint and leaves out a tensor, or cuts its last row.
func without(t *testing.T, to, from, name string, cut bool) {
	t.Helper()
	f := must(safetensors.Open(from))(t)
	defer f.Close()
	var all []safetensors.NamedTensor
	for _, n := range f.Names() {
		x := must(f.Tensor(n))(t)
		switch {
		case n == name && !cut:
			continue
		case n == name:
			row := len(x.Data) / x.Shape[0]
			x.Shape[0]--
			x.Data = x.Data[:len(x.Data)-row]
		}
		all = append(all, safetensors.NamedTensor{Name: n, Tensor: x})
	}
	if err := safetensors.Write(to, all, nil); err != nil {
		t.Fatal(err)
	}
}

// TestLookAtSaysWhy looks at checkpoints that cannot run: each still tells its system.
func TestLookAtSaysWhy(t *testing.T) {
	const from, down = tinySystems + "llamagen/weights.safetensors", "layers.1.feed_forward.w2.weight"
	lacking := filepath.Join(t.TempDir(), "lacking.safetensors")
	without(t, lacking, from, down, false)
	p, why, err := models.LookAt(lacking)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if !errors.Is(why, nn.ErrConfig) || p.System != nil || p.Name != "llamagen" { // without config.json, the heads of 3 layers
		t.Errorf("no config.json: %v, system %v of %s", why, p.System, p.Name)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(lacking), "config.json"), must(os.ReadFile(tinySystems+"llamagen/config.json"))(t), 0o600); err != nil {
		t.Fatal(err)
	}
	q, why, err := models.LookAt(lacking)
	if err != nil || q.System == nil {
		t.Fatal(why, err)
	}
	defer q.Close()
	if missing := q.System.Params.Missing(q.Checkpoint); !errors.Is(why, nn.ErrWeights) || len(missing) != 1 || missing[0] != down {
		t.Errorf("%v, missing %v", why, missing)
	}
	cut := filepath.Join(filepath.Dir(lacking), "cut.safetensors")
	without(t, cut, from, down, true)
	r, why, err := models.LookAt(cut)
	if err != nil || why != nil {
		t.Fatal(why, err)
	}
	defer r.Close()
	if unfit := r.Unfit(); len(unfit) != 1 || !strings.HasPrefix(unfit[0], down+" [63 192], want [64 192]") {
		t.Errorf("unfit: %q", unfit)
	}
	if _, _, err := models.LookAt(tinyVQ + "decoder.safetensors"); !errors.Is(err, system.ErrUnknown) {
		t.Errorf("a tokenizer: %v", err)
	}
	if _, _, _, err := models.OpenCodec(from); !errors.Is(err, models.ErrFolder) {
		t.Errorf("a generator as a tokenizer: %v", err)
	}
}

// TestTokenizerFolder finds a tokenizer in the folder tokenizer, with its own config.json.
func TestTokenizerFolder(t *testing.T) {
	files := llamaFiles()
	delete(files, "vq.safetensors")
	delete(files, "tokenizer.json")
	files["tokenizer/vq.safetensors"], files["tokenizer/config.json"] = tinyVQ+"decoder.safetensors", tinyVQ+"config.json"
	p := must(models.OpenPublished(folder(t, files)))(t)
	defer p.Close()
	if p.Tokenizer == nil || p.Description.(vq.Config).CodebookSize != 64 {
		t.Errorf("tokenizer %v of %+v", p.TokenizerPath, p.Description)
	}
}

// TestBrokenFilesOfAFolder: a folder whose only checkpoint is refused says by what.
func TestBrokenFilesOfAFolder(t *testing.T) {
	dir := folder(t, map[string]string{"vq.safetensors": tinyVQ + "decoder.safetensors"})
	if err := os.WriteFile(filepath.Join(dir, "c2i.pt"), []byte("version https://git-lfs.github.com/spec/v1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := models.OpenPublished(dir); !errors.Is(err, system.ErrUnknown) || !strings.Contains(err.Error(), "git lfs pull") {
		t.Errorf("%v", err)
	}
}

// TestNamesOfPictures: whatever changes the pictures changes the model's name, and nothing
// else does. Bytes is what the device must have.
func TestNamesOfPictures(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	name := func(change func(dir string)) string {
		dir := folder(t, llamaFiles())
		change(dir)
		p := must(models.Open(dev, system.Image, dir, models.Options{}))(t)
		defer p.Close()
		return p.Name()
	}
	write := func(file, text string) func(string) {
		return func(dir string) {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	config := string(must(os.ReadFile(tinySystems + "llamagen/config.json"))(t))
	first := name(func(string) {})
	if again := name(write("config.json", config+"\n")); again != first {
		t.Errorf("%s and %s of the same model", first, again)
	}
	for what, change := range map[string]func(string){
		"another rope":      write("config.json", strings.Replace(config, "{", `{"rope_base": 5000, `, 1)),
		"another tokenizer": func(dir string) { without(t, filepath.Join(dir, "vq.safetensors"), other(t), "", false) },
	} {
		if got := name(change); got == first {
			t.Errorf("%s is called %s too", what, got)
		}
	}
	p := must(models.OpenPublished(folder(t, llamaFiles())))(t)
	defer p.Close()
	generator, tokenizer, err := p.Bytes(models.Options{Slots: 2})
	more, _, _ := p.Bytes(models.Options{Slots: 4})
	if err != nil || generator < 2*uint64(p.System.Params.Count()) || tokenizer < 4*617779 || more <= generator {
		t.Errorf("%d and %d bytes, %d with more slots, %v", generator, tokenizer, more, err)
	}
}

// other writes the tiny tokenizer with another bias.
func other(t *testing.T) string {
	t.Helper()
	f := must(safetensors.Open(tinyVQ + "decoder.safetensors"))(t)
	defer f.Close()
	var all []safetensors.NamedTensor
	for _, n := range f.Names() {
		x := must(f.Tensor(n))(t)
		if n == "decoder.conv_out.bias" {
			x.Data = append([]byte{1}, x.Data[1:]...)
		}
		all = append(all, safetensors.NamedTensor{Name: n, Tensor: x})
	}
	to := filepath.Join(t.TempDir(), "other.safetensors")
	if err := safetensors.Write(to, all, nil); err != nil {
		t.Fatal(err)
	}
	return to
}
