package systems_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// FuzzDescriptions opens networks of real numbers with any description. It opens, or the
// error is one of a description or of weights. What opens has runs that fit its layout.
func FuzzDescriptions(f *testing.F) {
	for _, seed := range []string{
		`{"patch_size": 2, "encoder_num_heads": 4, "decoder_num_heads": 3, "num_sampling_steps": "ddim8", "inner_steps": [50, 5]}`,
		`{"decoder_num_heads": 2, "buffer_size": 2, "num_iter": 3, "cfg": 2, "cfg_schedule": "constant"}`,
		`{"image_dim": 4, "image_size": [64, 96], "image_stride": 8, "text_token_len": 5, "video_base_size": [4, 2, 3], "image_base_size": [4, 6], "video_encoder": {"num_heads": 2}, "image_encoder": {"num_heads": 2}}`,
		`{"image_guidance_scale": 1.5, "guidance_renorm": 0, "guidance_trunc": 300, "min_guidance_scale": 2, "image_size": [64, 96], "text_token_len": 5, "video_encoder": {"num_heads": 2}, "image_encoder": {"num_heads": 2}}`,
		`{"patch_nums": [1, 2, 3, 4, 5, 6], "num_heads": 4, "more_smooth": true, "spectrum": [0, -1]}`, `{"n_head": 2, "block_size": 16, "control_strength": 0.5}`,
		`{"scheduler": "ddpm", "image_size": [64, 96], "ddpm_scheduler": {"beta_start": 0.001, "beta_end": 0.01}}`, `{"scheduler": "dpm"}`,
		`{"n_head": 4, "block_size": 36, "num_iter": 7, "sample_schedule": "cosine", "cfg_schedule": "constant"}`, `{"n_head": 4, "num_iter": 65536}`,
		`{"encoder_num_heads": 2, "decoder_num_heads": 2, "num_steps": 3, "sampler": "euler", "clusters": 16, "levels": [0, 3]}`, `{"encoder_num_heads": 2, "decoder_num_heads": 2, "unit": "scale", "clusters": 0, "levels": [1]}`,
		`{"scale_schedule": [[1, 1, 1], [1, 2, 3], [2, 1, 1], [2, 2, 3]], "image_scale_repetition": "[2, 1]", "video_scale_repetition": [1, 1], "detail_scale_min_tokens": 6}`,
		`{"num_heads": 2, "patch_size": 8, "dilation": 16, "buffer_size": 3, "remask_stage": 0, "num_iters": [1, 2, 3, 4], "start_temperature": [0, 1, 1, 1], "max_nodes": 600}`, `{"num_heads": 3, "num_iters": [1]}`,
		`{"pn": "0.06M", "video_frames": 9, "frames_inner_clip": 2, "use_apg": false, "cfg": 3}`, `{"frames_inner_clip": 1000000}`,
		vmConfig, `{"decoder_num_heads": 2, "temporal_num_heads": 2, "buffer_size": 1, "img_size": 48, "num_frames": 2, "last_temperature": 0}`,
		`{"n_heads": 2, "block_size": 4, "model_length": 10, "num_classes": 3, "block_steps": 2}`, `{"n_heads": 2, "block_size": 1, "model_length": 65536}`,
		hiDescription, `{"encoder_num_heads": 2, "decoder_num_heads": 2, "head": 4, "cfg_schedule": "constant", "re_cfg": 2}`, ctDescription, `{"coarse": {"n_head": 2, "block_size": 4}, "fine": {"n_head": 4}}`,
		`{"patch_nums": [1, 2, 3, 4, 6], "variant": "text", "num_heads": 2}`, avDescription,
		`{}`, `[]`, `{"num_iter": -1}`, `{"image_size": [8, 1000000]}`, `{"buffer_size": 99}`,
	} {
		f.Add([]byte(seed))
	}
	var all []nn.Weights
	for _, name := range []string{"mar", "nova", "nova-rope", "infinitystar", "arpg", "xar", "far-frequency", "octgpt", "octgpt-text", "var", "sar3d-image"} {
		all = append(all, nn.File(open(f, name).weights))
	}
	all = append(all, tinyEAR(), tinyVideoAR(), tinyVideoMAR(), tinyCanvasMAR(), tinyBlockDiffusion(), tinyTokenShuffle(), tinyCTF(), tinyHiMAR(), tinyControlAR(true, caWidth), tinyArchonView())
	f.Fuzz(func(t *testing.T, config []byte) {
		for _, w := range all {
			p := must(system.Detect(w))(t)
			s, err := p.Open(json.RawMessage(config), w)
			prompt := system.Prompt{}
			if p.Name == "infinitystar" { // draws nothing without a text
				prompt.Text = make([]float32, 24)
			}
			if p.Name == "sar3d" && s != nil { // a row of the whole, and one of a part
				prompt.Text = make([]float32, 2*s.Text)
			}
			if p.Name == "archonview" && s != nil {
				prompt.Text = make([]float32, s.Text)
			}
			if p.Name == "octgpt" && s != nil {
				prompt.Text = make([]float32, s.Text)
			}
			if p.Name == "controlar-t2i" && s != nil {
				prompt.Text, prompt.Control = make([]float32, s.Text), make([]float32, s.Cells()*s.Control)
			}
			if err != nil {
				if !errors.Is(err, nn.ErrConfig) && !errors.Is(err, nn.ErrWeights) {
					t.Errorf("%s: %v", p.Name, err)
				}
				continue
			}
			fits(t, s, prompt)
		}
	})
}

// FuzzFresh makes networks of real numbers that are to be trained from any description. What
// is made has runs that fit its layout.
func FuzzFresh(f *testing.F) {
	for _, seed := range []string{
		vmConfig, fmt.Sprintf(tiny, true),
		`{"image_dim": 3, "image_size": [16, 16], "image_stride": 1, "patch_size": 2, "image_base_size": [8, 8], "video_base_size": [4, 4, 4], "text_token_dim": 16, "text_token_len": 1, "arch": ["vit_d2w64", "vit_d4w64", "mlp_d3w96"], "video_encoder": {"num_heads": 4}, "image_encoder": {"num_heads": 4}}`,
		`{"text_token_dim": 65536, "text_token_len": 4096, "arch": ["vit_d1w64", "vit_d2w64", "mlp_d3w96"]}`, `{"arch": ["vit_d9999999w9", "", "mlp"], "video_mixer_rank": 8}`, `{"image_stride": -16}`, `{}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		for _, name := range []string{"nova", "mar", "ear", "videomar", "canvasmar"} {
			s, err := must(system.ToTrain(name))(t).Open(config, nil)
			switch {
			case err == nil:
				fits(t, s, system.Prompt{})
			case !errors.Is(err, nn.ErrConfig) && !errors.Is(err, nn.ErrWeights):
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// fits checks the first runs of a system.
func fits(t *testing.T, s *system.System, p system.Prompt) {
	t.Helper()
	schedule, err := s.Schedule(p)
	if err != nil {
		t.Errorf("%s: %v", s.Name, err)
		return
	}
	l := s.Layout
	for range 8 {
		r, err := schedule.Next(nil)
		if err != nil {
			return // io.EOF
		}
		if r.N > l.Length || r.Group > max(l.Group, r.N*r.GroupTargets) && r.Features == nil || len(r.Fixed) != r.N*l.Fixed || len(r.Inputs) != r.N*l.Inputs || len(r.Axes) != r.N*l.Axes || len(r.Ranges) != 2*r.N*l.Ranges {
			t.Fatalf("%s: stage %d has %d rows in groups of %d, with columns of %d, %d and %d", s.Name, r.Stage, r.N, r.Group, len(r.Fixed), len(r.Inputs), len(r.Axes))
		}
		for i, slot := range r.Slot {
			if int(slot) >= l.Context || int(r.KVLen[i]) > l.Context || r.Keep != nil && int(r.Keep[i]) >= l.Places {
				t.Fatalf("%s: stage %d: row %d goes to slot %d and is kept in %d", s.Name, r.Stage, i, slot, r.Keep[i])
			}
		}
	}
}
