package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/cnn/cnntest"
	"github.com/morton-gen/morton/transforms/report"
)

// writeTensors writes a checkpoint.
func writeTensors(t *testing.T, path string, w cnntest.Tensors) {
	t.Helper()
	var all []safetensors.NamedTensor
	for _, name := range slices.Sorted(maps.Keys(w)) {
		x, err := safetensors.FromFloat32s(name, safetensors.F32, w[name].Shape, w[name].Data)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	if err := safetensors.Write(path, all, nil); err != nil {
		t.Fatal(err)
	}
}

// random are tensors of some shapes, of matrices with a deviation of 1/√columns and others
// around 1.
func random(shapes map[string][]int) cnntest.Tensors {
	r := rand.New(rand.NewPCG(1, 2))
	out := cnntest.Tensors{}
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		s := shapes[name]
		x := make([]float32, tensor.Elems(s))
		for i := range x {
			if x[i] = float32(r.NormFloat64()); len(s) > 1 {
				x[i] *= 2 / float32(s[1])
			} else {
				x[i] = 1 + 0.2*x[i]
			}
		}
		out[name] = cnntest.Tensor{Shape: s, Data: x}
	}
	return out
}

// textVideo makes a folder of a tiny generator with the autoencoder that it goes with, both
// of whose halves have a file of their own in testdata.
func textVideo(t *testing.T, config, generator []byte, tokenizer string) string {
	t.Helper()
	dir := t.TempDir()
	w := cnntest.Read(t, tokenizer+"encoder.safetensors")
	maps.Copy(w, cnntest.Read(t, tokenizer+"decoder.safetensors"))
	writeTensors(t, filepath.Join(dir, "vae.safetensors"), w)
	description, err := os.ReadFile(tokenizer + "config.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"config.json": config, "tokenizer.json": description, "generator.safetensors": generator} {
		if data == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tinyNOVA draws clips of up to 7 frames of 32 by 48 pixels.
func tinyNOVA(t *testing.T) string {
	t.Helper()
	var data [2][]byte
	for i, name := range []string{"config.json", "weights.safetensors"} {
		var err error
		if data[i], err = os.ReadFile(tinySystems + "nova/" + name); err != nil {
			t.Fatal(err)
		}
	}
	return textVideo(t, data[0], data[1], "../../models/tokenizer/vae3d/testdata/")
}

// tinyInfinityStar draws clips of up to 17 frames of 16 by 32 pixels: a frame, and two clips
// of 8. Its weights are random.
func tinyInfinityStar(t *testing.T) string {
	t.Helper()
	const width, dim, hidden, detail, semantic, text = 32, 16, 48, 64, 16, 32
	shapes := map[string][]int{
		"cfg_uncond": {9, text}, "norm_hidden_sates.weight": {width}, "word_embed.weight": {width, detail}, "word_embed.bias": {width}, "text_proj.weight": {width, text}, "text_proj.bias": {width},
		"head.weight": {2 * detail, width}, "head.bias": {2 * detail}, "semantic_head2.weight": {2 * semantic, width}, "semantic_head2.bias": {2 * semantic},
	}
	for i := range 2 {
		for name, s := range map[string][]int{
			"input_layernorm": {width}, "post_attention_layernorm": {width}, "attn.q_norm": {dim}, "attn.k_norm": {dim}, "attn.q_proj": {2 * dim, width}, "attn.k_proj": {dim, width},
			"attn.v_proj": {dim, width}, "attn.o_proj": {width, 2 * dim}, "mlp.gate_proj": {hidden, width}, "mlp.up_proj": {hidden, width}, "mlp.down_proj": {width, hidden},
		} {
			shapes[fmt.Sprintf("block_chunks.0.module.%d.%s.weight", i, name)] = s
		}
	}
	config := `{"scale_schedule": [[1, 1, 1], [1, 1, 2], [2, 1, 1], [2, 1, 2], [2, 1, 1], [2, 1, 2]], "detail_scale_min_tokens": 2, "image_scale_repetition": [1, 2], "video_scale_repetition": [2, 1]}`
	dir := textVideo(t, []byte(config), nil, "../../models/tokenizer/star/testdata/")
	writeTensors(t, filepath.Join(dir, "generator.safetensors"), random(shapes))
	return dir
}

// TestGenerateClipsOfATextNOVA and TestGenerateClipsOfATextInfinityStar draw clips of a text,
// and behind the frames of an input. They are those of models.Model.
func TestGenerateClipsOfATextNOVA(t *testing.T) {
	clipsOfAText{model: tinyNOVA(t), h: 32, w: 48, frames: 7, given: 3, prefix: 4, more: 2}.test(t)
}

func TestGenerateClipsOfATextInfinityStar(t *testing.T) {
	clipsOfAText{model: tinyInfinityStar(t), h: 16, w: 32, frames: 17, given: 9, prefix: 11, more: 8}.test(t)
}

// clipsOfAText are requests of a model for texts of 32 features.
type clipsOfAText struct {
	model        string
	h, w, frames int // of the longest clip
	prefix, more int // frames that are asked to be given and to be drawn,
	given        int // and that are given
}

func (c clipsOfAText) test(t *testing.T) {
	dev := gputest.Open(t, gpu.Options{})
	features := random(map[string][]int{"cat": {3, 32}, "dog": {2, 32}})
	text := filepath.Join(t.TempDir(), "t.safetensors")
	writeTensors(t, text, features)
	p, err := models.Open(dev, system.Video, c.model, models.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if code, said, errs := morton("inspect", c.model); code != exitDone || !strings.Contains(said, "the features of a text, 32 a token") || !strings.Contains(said, "tokenizer_side") {
		t.Errorf("inspect: exit %d\n%s%s", code, said, errs)
	}
	const input = "../../testdata/video/plant_320x240_30fps_36f.mp4"
	drawn := map[string]string{}
	for name, args := range map[string][]string{
		"whole": {"--text", text + "#cat"}, "dog": {"--text", text + "#dog"}, "short": {"--text", text + "#cat", "--frames", fmt.Sprint(1 + c.more)},
		"frame": {"--text", text + "#cat", "--input", input, "--prefix", "1", "--frames", fmt.Sprint(c.more)},
		"clip":  {"--text", text + "#cat", "--input", input, "--prefix", fmt.Sprint(c.prefix), "--frames", fmt.Sprint(c.more)},
	} {
		out := filepath.Join(t.TempDir(), "out")
		args = append([]string{"generate", "video", "--model", c.model, "--seed", "5", "--out", out}, args...)
		if code, said, errs := morton(args...); code != exitDone || !strings.Contains(said, "1 done, 0 failed") {
			t.Fatalf("%s: exit %d\n%s%s", name, code, said, errs)
		}
		r := readJSON[report.Result](t, filepath.Join(out, "results.jsonl"))[0]
		want := map[string][2]int{"whole": {0, c.frames}, "dog": {0, c.frames}, "short": {0, 1 + c.more}, "frame": {1, 1 + c.more}, "clip": {c.given, c.given + c.more}}[name]
		got, _, err := video.ReadClip(t.Context(), filepath.Join(out, r.Output), video.Options{})
		if err != nil || r.GivenFrames != want[0] || got.T != want[1] || got.H != c.h || got.W != c.w || len(r.Notes) > 0 != (name == "clip") {
			t.Errorf("%s: %d of %d frames of %d by %d are given, notes %q, %v", name, r.GivenFrames, got.T, got.H, got.W, r.Notes, err)
		}
		drawn[name] = r.TokensSHA256
		if name != "whole" {
			continue
		}
		same, err := p.Generate(t.Context(), models.Request{ID: r.ID, Seed: 5, Text: features["cat"].Data})
		if err != nil || report.HashTokens(same.Sample.Tokens) != r.TokensSHA256 || r.Model != p.Name() {
			t.Errorf("models.Model draws other tokens, %v", err)
		}
		if slices.Min(same.Media.Clip.Pix) == slices.Max(same.Media.Clip.Pix) {
			t.Error("the clip has one colour")
		}
		back, _, err := p.Decode(same.Sample)
		if err != nil || !slices.Equal(back.Clip.Pix, same.Media.Clip.Pix) {
			t.Errorf("tokens come back as another clip, %v", err)
		}
	}
	if len(drawn) != 5 || drawn["whole"] == drawn["dog"] || drawn["whole"] == drawn["short"] || drawn["frame"] == drawn["short"] {
		t.Errorf("different requests draw the same: %v", drawn)
	}
	c.manifest(t, text)
}

// manifest draws a text of a line, and a line whose tensor there is not.
func (c clipsOfAText) manifest(t *testing.T, text string) {
	t.Helper()
	manifest, out := filepath.Join(filepath.Dir(text), "m.jsonl"), t.TempDir()
	lines := `{"id": "a", "text": "t.safetensors#dog", "frames": ` + fmt.Sprint(1+c.more) + `}` + "\n" + `{"id": "b", "text": "t.safetensors#bird"}` + "\n"
	if err := os.WriteFile(manifest, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	code, said, errs := morton("generate", "video", "--model", c.model, "--manifest", manifest, "--out", out)
	rows := readJSON[report.Result](t, filepath.Join(out, "results.jsonl"))
	if code != exitFailed || len(rows) != 1 || rows[0].OutputFrames != 1+c.more || !strings.Contains(errs, "no features of a text") {
		t.Errorf("exit %d, %+v\n%s%s", code, rows, said, errs)
	}
}

// TestTextMistakes are wrong ways to ask for a clip of a text.
func TestTextMistakes(t *testing.T) {
	for args, want := range map[string]string{
		"--text t":                         "--model names",
		"--text t --class 3 --model m":     "not both",
		"--text t --model m --prefix 3":    "--prefix needs an --input",
		"--text t --model m --start 3":     "--start needs an --input",
		"--text t --model m --input a":     "ends in .safetensors",
		"--text t --model m --frames 0":    "--frames is at least 1",
		"--text t --model m --guidance -1": "guidance -1",
	} {
		out := filepath.Join(t.TempDir(), "o")
		code, _, errs := morton(append([]string{"generate", "video", "--out", out}, strings.Fields(args)...)...)
		if code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, %s", args, code, errs)
		}
	}
}
