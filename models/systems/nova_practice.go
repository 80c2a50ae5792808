package systems

import (
	"fmt"
	"strconv"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
)

// novaPractice describes a network that is to be trained, by the names of upstream's
// configuration.
type novaPractice struct {
	// Arch are the video encoder, the image encoder and the head, such as vit_d16w1024,
	// vit_d32w1024 and mlp_d3w1280: blocks and width. The sizes of a part count more.
	Arch      []string `json:"arch"`
	Head      novaPart `json:"image_decoder"`
	Mixer     int      `json:"video_mixer_rank"`
	TextWidth int      `json:"text_token_dim"`
	Patch     int      `json:"patch_size"` // of the image encoder; 0: by the stride. A name of ours, as those below
	Lessons   int      `json:"noise_per_token"`
	Least     float64  `json:"mask_ratio_min"`
	Dropout   float64  `json:"text_drop_prob"`
}

// novaPart has the sizes of a part.
type novaPart struct {
	Depth int `json:"depth"`
	Width int `json:"embed_dim"`
	Heads int `json:"num_heads"`
}

func (c *novaPractice) check() error {
	if !within(c.Lessons, 1, 64) || !(c.Least >= 0 && c.Least <= 1) || !(c.Dropout >= 0 && c.Dropout <= 1) {
		return fmt.Errorf("systems: %w: %d lessons of a token, at least %g masked, %g without text", nn.ErrConfig, c.Lessons, c.Least, c.Dropout)
	}
	return nil
}

// sized fills in what a part lacks from the description of the architecture.
func (c *novaPractice) sized(p novaPart, i int) novaPart {
	var depth, width int
	if i < len(c.Arch) {
		// An architecture of another name says nothing.
		_, _ = fmt.Sscanf(c.Arch[i], [...]string{"vit_d%dw%d", "vit_d%dw%d", "mlp_d%dw%d"}[i], &depth, &width)
	}
	if p.Depth == 0 {
		p.Depth = depth
	}
	if p.Width == 0 {
		p.Width = width
	}
	return p
}

// fresh are the shapes of a network that is to be trained, as far as they tell sizes.
func (c *nova) fresh() nn.Weights {
	video, image, net := c.sized(c.Video, 0), c.sized(c.Image, 1), c.sized(c.Head, 2)
	patch := c.Patch
	if patch == 0 {
		patch = 15/max(c.Stride, 1) + 1
	}
	side := patch * c.ImageBase[0] / max(c.VideoBase[1], 1)
	s := shapesOf{
		"video_encoder.patch_embed.proj.weight": {video.Width, c.Channels, side, side}, "image_encoder.patch_embed.proj.weight": {image.Width, c.Channels, patch, patch},
		"video_encoder.blocks.0.mlp.fc1.weight": {4 * video.Width}, "image_encoder.blocks.0.mlp.fc1.weight": {4 * image.Width},
		"text_embed.proj.weight": {image.Width, c.TextWidth}, fillers: {max(512, c.TextRows), c.TextWidth},
		"image_decoder.head.weight": {c.Channels * patch * patch, net.Width},
	}
	if c.Mixer > 0 {
		s["video_encoder.mixer.lora.weight"] = []int{c.Mixer, video.Width}
	}
	s.count("video_encoder.blocks.%d.norm1.weight", video.Depth)
	s.count("image_encoder.blocks.%d.norm1.weight", image.Depth)
	s.count("image_decoder.blocks.%d.norm1.proj.weight", net.Depth)
	return s
}

// lay lays out the tokens of a clip. Metadata "flow" and "fps" have its motion. Samples have
// no text.
func (c *nova) lay(s shard.Sample) (p system.Prompt, tokens []uint32, err error) {
	if p.Motion, err = motion(s); err != nil {
		return p, nil, err
	}
	p.Frames, tokens, err = clipOf(s, [3]int{c.VideoBase[0], c.h, c.w}, c.Channels*c.patch*c.patch)
	return p, tokens, err
}

// motion returns the flow and the frames a second of a sample, nil where it has neither.
func motion(s shard.Sample) ([]float32, error) {
	out := []float32{defaultFlow, defaultFPS}
	any := false
	for i, name := range []string{"flow", "fps"} {
		text, ok := s.Meta[name]
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(text, 32)
		if err != nil || !(x >= 0 && x <= 1e6) {
			return nil, fmt.Errorf("systems: %w: %q: %s %q", shard.ErrSample, s.ID, name, text)
		}
		out[i], any = float32(x), true
	}
	if !any {
		return nil, nil
	}
	return out, nil
}

// lessons are the passes of a network that trains, nil with a mixer: its first frame is a
// state that rows of the same pass start from.
func (c *nova) lessons() (out []system.Pass) {
	if c.mixer > 0 {
		return nil
	}
	pass := func(rows int, stages ...int) {
		out = append(out, system.Pass{Runs: stages, Stage: stages[len(stages)-1], Rows: rows})
	}
	n := c.h * c.w
	read := n / c.block / c.block
	pass(c.TextRows, novaText)
	pass(1, novaFlow)
	pass(1, novaFPS)
	if !c.Rotary {
		pass(c.VideoBase[0], novaTime)
	}
	pass(c.TextRows+2+c.VideoBase[0]*read, novaFirst, novaVideo)
	pass(read+n, novaKnown)
	pass(read+n, novaFill)
	return out
}

// practise returns a lesson: one frame, whose first tokens in a random order are unknown. The
// frames before it are known.
func (c *nova) practise(q system.Prompt, word func(uint32) uint32) (system.Schedule, error) {
	if !within(q.Frames, 1, c.VideoBase[0]) {
		return nil, fmt.Errorf("systems: %w: a clip of %d frames", system.ErrPrompt, q.Frames)
	}
	f := c.clip(q, q.Frames)
	var frame, unknown int
	f.Order, frame, unknown = frameLesson(q.Frames, c.h*c.w, c.Least, word)
	return f.Lesson(frame, unknown)
}
