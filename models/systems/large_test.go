package systems_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/system"
)

// zeros are weights of given shapes, all 0.
type zeros struct{ shapes }

func (z zeros) Floats(name string) ([]float32, error) {
	return make([]float32, tensor.Elems(z.shapes[name])), nil
}

// linear adds a linear map with its bias.
func (s shapes) linear(name string, out, in int) {
	s[name+".weight"], s[name+".bias"] = []int{out, in}, []int{out}
}

// layerNorm adds a norm with its bias.
func (s shapes) layerNorm(name string, n int) {
	s[name+".weight"], s[name+".bias"] = []int{n}, []int{n}
}

// vit adds a block of a vision transformer.
func (s shapes) vit(name string, width, hidden int) {
	s.layerNorm(name+"norm1", width)
	s.layerNorm(name+"norm2", width)
	s.linear(name+"attn.qkv", 3*width, width)
	s.linear(name+"attn.proj", width, width)
	s.linear(name+"mlp.fc1", hidden, width)
	s.linear(name+"mlp.fc2", width, hidden)
}

// marSize are the sizes of a MAR for pictures of 16 by 16 tokens.
type marSize struct{ width, depth, classes, headWidth, headDepth int }

// marShapes has the tensors of a MAR, with a head that takes diffusion's passes or, as in
// FAR, long steps.
func marShapes(z marSize, shortcut bool) shapes {
	const cells, buffer, token = 256, 64, 16
	s := shapes{
		"class_emb.weight": {z.classes, z.width}, "fake_latent": {1, z.width}, "mask_token": {1, 1, z.width}, "encoder_pos_embed_learned": {1, buffer + cells, z.width},
		"decoder_pos_embed_learned": {1, buffer + cells, z.width}, "diffusion_pos_embed_learned": {1, cells, z.width},
	}
	s.linear("z_proj", z.width, token)
	s.layerNorm("z_proj_ln", z.width)
	for i := range z.depth {
		s.vit(fmt.Sprintf("encoder_blocks.%d.", i), z.width, 4*z.width)
		s.vit(fmt.Sprintf("decoder_blocks.%d.", i), z.width, 4*z.width)
	}
	s.layerNorm("encoder_norm", z.width)
	s.layerNorm("decoder_norm", z.width)
	s.linear("decoder_embed", z.width, z.width)
	says := 2 * token
	if shortcut {
		const step = "diffloss.net.step_embed.mlp."
		says = token
		s.linear(step+"0", z.headWidth, 256)
		s.linear(step+"2", z.headWidth, z.headWidth)
	}
	s.denoiser(z.headWidth, z.headDepth, token, says, z.width)
	return s
}

// denoiser adds MAR's head.
func (s shapes) denoiser(width, depth, token, says, condition int) {
	const head = "diffloss.net."
	s.linear(head+"time_embed.mlp.0", width, 256)
	s.linear(head+"time_embed.mlp.2", width, width)
	s.linear(head+"input_proj", width, token)
	s.linear(head+"cond_embed", width, condition)
	s.adaptive(head, width, depth, says)
}

// adaptive adds the blocks and the last layer of a head.
func (s shapes) adaptive(head string, width, depth, out int) {
	for i := range depth {
		b := fmt.Sprintf("%sres_blocks.%d.", head, i)
		s.layerNorm(b+"in_ln", width)
		s.linear(b+"adaLN_modulation.1", 3*width, width)
		s.linear(b+"mlp.0", width, width)
		s.linear(b+"mlp.2", width, width)
	}
	s.linear(head+"final_layer.adaLN_modulation.1", 2*width, width)
	s.linear(head+"final_layer.linear", out, width)
}

// earShapes has the tensors of an EAR with as many blocks.
func earShapes(z marSize) shapes {
	const cells, buffer, token = 256, 64, 16
	s := shapes{
		"class_emb.weight": {z.classes, z.width}, "fake_latent": {1, z.width}, "mask_token": {1, 1, z.width}, "decoder_pos_embed_learned": {1, buffer + cells, z.width},
	}
	s.linear("z_proj", z.width, token)
	for i := range 2 * z.depth {
		s.vit(fmt.Sprintf("decoder_blocks.%d.", i), z.width, 4*z.width)
	}
	s.layerNorm("decoder_norm", z.width)
	const head = "scoreloss.net."
	s.linear(head+"noise_embed", z.headWidth, 64)
	s.linear(head+"input_proj", z.headWidth, z.width)
	s.adaptive(head, z.headWidth, z.headDepth, token)
	return s
}

// marH has the tensors of MAR-H: 943 million parameters.
func marH() shapes { return marShapes(marSize{1280, 20, 1000, 1536, 12}, false) }

// TestMARH opens MAR-H by the names and shapes of its tensors, and tells its parameters and
// memory. With MORTON_TEST=all it takes the first step of a picture too, in f16 and with
// weights that are 0. Noise and one pass are left of it.
func TestMARH(t *testing.T) {
	w := zeros{marH()}
	p := must(system.Detect(w))(t)
	s := must(p.Open(nil, w))(t)
	if missing := s.Params.Missing(w); p.Name != "mar" || len(missing) > 0 {
		t.Fatalf("%s lacks %d tensors", p.Name, len(missing))
	}
	if n := s.Params.Count(); n < 940e6 || n > 946e6 || s.Grid != [3]int{1, 16, 16} {
		t.Errorf("%d parameters, %v tokens", n, s.Grid)
	}
	o := engine.DecoderOptions{Slots: 2}
	t.Logf("%s: %d parameters, %d MB with guidance", p.Title, s.Params.Count(), engine.Bytes(s, o)>>20)
	if !gputest.Exhaustive() {
		return
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		begin := time.Now()
		d := must(engine.NewDecoder(dev, s, w, o))(t)
		defer d.Free()
		opened := time.Since(begin)
		runs := runsOf(t, s, system.Prompt{Class: 1, Steps: 64})[:2]
		begin = time.Now()
		steps(t, d, 0, runs...)
		t.Logf("opened in %v, step of %d and %d rows in %v", opened, runs[0].N, runs[1].N, time.Since(begin))
		at := int(runs[1].Targets.At[0])
		for i, x := range must(d.Tokens(0, at, at+1))(t) {
			if x == 0 {
				t.Errorf("number %d of position %d was not drawn", i, at)
			}
		}
	})
}

// novaLarge has the tensors of NOVA's 0.6B model for video.
func novaLarge() shapes {
	const width, text, headWidth = 1024, 2560, 1280
	s := shapes{"mask_embed.bos_token": {1, width}, "mask_embed.mask_token": {1, width}, "text_embed.weight": {512, text}}
	conv := func(name string, out, pixels int) {
		s[name+".weight"], s[name+".bias"] = []int{out, 4, pixels, pixels}, []int{out}
	}
	for part, sizes := range map[string][2]int{"video_encoder": {16, 4}, "image_encoder": {32, 2}} {
		for i := range sizes[0] {
			s.vit(fmt.Sprintf("%s.blocks.%d.", part, i), width, 4*width)
		}
		s.layerNorm(part+".norm", width)
		conv(part+".patch_embed.proj", width, sizes[1])
	}
	s.linear("text_embed.proj", width, text)
	s.layerNorm("text_embed.norm", width)
	for _, name := range []string{"motion_embed.flow_proj", "motion_embed.fps_proj", "video_pos_embed.time_proj"} {
		s.linear(name+".0", width, 256)
		s.linear(name+".2", width, width)
	}
	s.layerNorm("video_pos_embed.norm", width)
	const head = "image_decoder."
	conv(head+"patch_embed.proj", headWidth, 2)
	for name, in := range map[string]int{"condition_proj": width, "timestep_proj": 256} {
		s.linear(head+"time_cond_embed."+name+".fc1", headWidth, in)
		s.linear(head+"time_cond_embed."+name+".fc2", headWidth, headWidth)
	}
	for i := range 3 {
		b := fmt.Sprintf("%sblocks.%d.", head, i)
		s.linear(b+"norm1.proj", 3*headWidth, headWidth)
		s.linear(b+"proj.fc1", headWidth, headWidth)
		s.linear(b+"proj.fc2", headWidth, headWidth)
		s.layerNorm(b+"norm2", headWidth)
	}
	s.linear(head+"norm.proj", 2*headWidth, headWidth)
	s.linear(head+"head", 16, headWidth)
	return s
}

// TestNOVALarge does for NOVA-0.6B what TestMARH does for MAR-H. Its step is the first set
// of the first frame, with the conditions before it.
func TestNOVALarge(t *testing.T) {
	w := zeros{novaLarge()}
	p := must(system.Detect(w))(t)
	s := must(p.Open(nil, w))(t)
	if missing := s.Params.Missing(w); p.Name != "nova" || len(missing) > 0 {
		t.Fatalf("%s lacks %d tensors", p.Name, len(missing))
	}
	if n := s.Params.Count(); n < 600e6 || n > 700e6 || s.Grid != [3]int{9, 30, 48} {
		t.Errorf("%d parameters, %v tokens", n, s.Grid)
	}
	o := engine.DecoderOptions{Slots: 2}
	t.Logf("%s: %d parameters, %d MB with guidance", p.Title, s.Params.Count(), engine.Bytes(s, o)>>20)
	if !gputest.Exhaustive() {
		return
	}
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		begin := time.Now()
		d := must(engine.NewDecoder(dev, s, w, o))(t)
		defer d.Free()
		opened := time.Since(begin)
		runs := runsOf(t, s, system.Prompt{Frames: 1, Steps: 64})[:7]
		begin = time.Now()
		steps(t, d, 0, runs...)
		t.Logf("opened in %v, step of %d, %d and %d rows in %v", opened, runs[4].N, runs[5].N, runs[6].N, time.Since(begin))
		at := int(runs[6].Targets.At[0])
		for i, x := range must(d.Tokens(0, at, at+1))(t) {
			if x == 0 {
				t.Errorf("number %d of position %d was not drawn", i, at)
			}
		}
	})
}
