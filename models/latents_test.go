package models_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
)

const tinyKL = "tokenizer/kl/testdata/"

// tinyEAR writes a generator of 3 by 3 tokens of 4 numbers, with random weights.
func tinyEAR(t *testing.T, path string) {
	t.Helper()
	const width, cells, buffer, token, noise, head = 8, 9, 2, 4, 8, 8
	shapes := map[string][]int{
		"class_emb.weight": {5, width}, "fake_latent": {1, width}, "mask_token": {1, 1, width}, "decoder_pos_embed_learned": {1, buffer + cells, width},
	}
	linear := func(name string, out, in int) {
		shapes[name+".weight"], shapes[name+".bias"] = []int{out, in}, []int{out}
	}
	layer := func(name string, n int) { shapes[name+".weight"], shapes[name+".bias"] = []int{n}, []int{n} }
	linear("z_proj", width, token)
	const b, net, r = "decoder_blocks.0.", "scoreloss.net.", "scoreloss.net.res_blocks.0."
	layer(b+"norm1", width)
	layer(b+"norm2", width)
	linear(b+"attn.qkv", 3*width, width)
	linear(b+"attn.proj", width, width)
	linear(b+"mlp.fc1", 2*width, width)
	linear(b+"mlp.fc2", width, 2*width)
	layer("decoder_norm", width)
	linear(net+"noise_embed", head, noise)
	linear(net+"input_proj", head, width)
	layer(r+"in_ln", head)
	linear(r+"adaLN_modulation.1", 3*head, head)
	linear(r+"mlp.0", head, head)
	linear(r+"mlp.2", head, head)
	linear(net+"final_layer.adaLN_modulation.1", 2*head, head)
	linear(net+"final_layer.linear", token, head)
	var all []safetensors.NamedTensor
	for name, s := range shapes {
		x := gputest.Normal(uint64(len(name)+7*s[0]), tensor.Elems(s))
		for i := range x {
			x[i] *= 0.4
		}
		all = append(all, must(safetensors.FromFloat32s(name, safetensors.F32, s, x))(t))
	}
	if err := safetensors.Write(path, all, nil); err != nil {
		t.Fatal(err)
	}
}

// TestPicturesOfLatents draws a picture whose tokens are real numbers, in a folder of a
// tiny EAR and an autoencoder. Its sample gives the same picture.
func TestPicturesOfLatents(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		dir := folder(t, map[string]string{"kl.safetensors": tinyKL + "decoder.safetensors", "tokenizer.json": tinyKL + "config.json"})
		tinyEAR(t, filepath.Join(dir, "ear.safetensors"))
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"buffer_size": 2, "decoder_num_heads": 2, "num_iter": 4, "cfg": 2}`), 0o644); err != nil {
			t.Fatal(err)
		}
		m := must(models.Open(dev, system.Image, dir, models.Options{}))(t)
		defer m.Close()
		res := must(m.Generate(context.Background(), models.Request{ID: "a", Seed: 1, Class: 3}))(t)
		got := res.Media.Picture
		if got.H != 12 || got.W != 12 || res.Sample.Kind != shard.KindKL || !slices.Equal(res.Sample.Grid, []int32{3, 3, 4}) || len(res.Sample.Tokens) != 36 {
			t.Fatalf("a picture of %dx%d, sample %+v", got.H, got.W, res.Sample)
		}
		if slices.Min(got.Pix) == slices.Max(got.Pix) {
			t.Error("the picture has one colour")
		}
		back, _, err := m.Decode(res.Sample)
		if err != nil || !slices.Equal(back.Picture.Pix, got.Pix) {
			t.Errorf("the sample gives another picture: %v", err)
		}
		again := must(m.Generate(context.Background(), models.Request{ID: "a", Seed: 1, Class: 3}))(t)
		other := must(m.Generate(context.Background(), models.Request{ID: "b", Seed: 1, Class: 3}))(t)
		if !slices.Equal(again.Sample.Tokens, res.Sample.Tokens) || slices.Equal(other.Sample.Tokens, res.Sample.Tokens) {
			t.Error("a request's id and seed do not decide its picture")
		}
		for name, s := range map[string]shard.Sample{
			"kind": {ID: "a", Kind: shard.KindVQ, Grid: []int32{3, 3}}, "grid": {ID: "a", Kind: shard.KindKL, Grid: []int32{3, 3, 5}, Tokens: make([]int64, 45)},
			"tokens": {ID: "a", Kind: shard.KindKL, Grid: []int32{3, 3, 4}, Tokens: make([]int64, 35)}, "negative": {ID: "a", Kind: shard.KindKL, Grid: []int32{1, 1, 4}, Tokens: []int64{-1, 0, 0, 0}},
		} {
			if _, _, err := m.Decode(s); !errors.Is(err, shard.ErrSample) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestLatentsOfPictures codes a picture with both halves of an autoencoder, and looks at
// the folder as inspect does.
func TestLatentsOfPictures(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		dir := folder(t, map[string]string{"tokenizer.json": tinyKL + "config.json"})
		var all []safetensors.NamedTensor
		for _, half := range []string{"encoder", "decoder"} {
			f := must(safetensors.Open(tinyKL + half + ".safetensors"))(t)
			defer f.Close()
			for _, name := range f.Names() {
				x := must(f.Tensor(name))(t)
				all = append(all, must(safetensors.FromFloat32s(name, safetensors.F32, x.Shape, must(x.Float32s())(t)))(t))
			}
		}
		if err := safetensors.Write(filepath.Join(dir, "kl.safetensors"), all, nil); err != nil {
			t.Fatal(err)
		}
		tinyEAR(t, filepath.Join(dir, "ear.safetensors"))
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"buffer_size": 2, "decoder_num_heads": 2}`), 0o644); err != nil {
			t.Fatal(err)
		}
		p, why, err := models.LookAt(dir)
		if err != nil || why != nil || p.Name != "ear" {
			t.Fatalf("%v, %v", why, err)
		}
		reading, drawing, _, err := p.Steps()
		if err != nil || reading != 0 || drawing != 9 || p.Classes() != 5 {
			t.Errorf("%d steps read and %d draw, %d classes, %v", reading, drawing, p.Classes(), err)
		}
		p.Close()
		m := must(models.Open(dev, system.Image, dir, models.Options{}))(t)
		defer m.Close()
		x := &picture.Picture{H: 8, W: 12, Pix: make([]uint8, 8*12*3)}
		for i := range x.Pix {
			x.Pix[i] = uint8(i * 37)
		}
		s, _, err := m.Encode("a", system.Media{Picture: x}, system.Extent{})
		if err != nil || !slices.Equal(s.Grid, []int32{2, 3, 4}) || len(s.Tokens) != 24 {
			t.Fatalf("%+v, %v", s, err)
		}
		y, _, err := m.Decode(s)
		if err != nil || y.Picture.H != 8 || y.Picture.W != 12 {
			t.Errorf("%v", err)
		}
		odd := &picture.Picture{H: 6, W: 8, Pix: make([]uint8, 6*8*3)}
		if _, _, err := m.Encode("a", system.Media{Picture: odd}, system.Extent{}); !errors.Is(err, system.ErrPrompt) {
			t.Errorf("a picture of 6 by 8: %v", err)
		}
	})
}
