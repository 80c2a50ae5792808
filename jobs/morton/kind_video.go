package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/transforms/request"
)

func addClip(k *generateKind) {
	k.own.IntVar(&k.base.Prefix, "prefix", 16, "frames taken from the input, at the model's rate: whole cubes (4 frames in the shipped model)")
	k.own.IntVar(&k.base.Frames, "frames", 48, "frames to generate after them")
	k.addReading(k.own, &k.base)
	k.own.IntVar(&k.class, "class", 0, "generate class `N` of a published model, counted from 0, instead of continuing an input")
	addText(k)
	k.own.Float64Var(&k.scale, "guidance", 0, "with --class or --text: scale of classifier-free guidance, instead of the model's own; up to 1 is none")
	k.own.IntVar(&k.base.GuidanceTokens, "guidance-tokens", 0, "with --class or --text: end the guidance after about `N` tokens; 0 is never")
	k.own.TextVar(&k.every, "every", request.Time(0), "continue a long film at several places: the given frames begin at --start, and again each `TIME` after it")
}

func addFrames(k *tokenizeKind) {
	k.own.IntVar(&k.base.Prefix, "frames", 0, "largest number of frames read of each input, at the model's rate; 0 is all")
	k.addReading(k.own, &k.base)
}

// addReading adds the flags for reading clips.
func (o *options) addReading(f *pflag.FlagSet, r *request.Request) {
	f.TextVar(&r.Start, "start", request.Time(0), "begin at `TIME` of the input: seconds, or such as 1m30s")
	f.TextVar(&r.Fit, "fit", request.Crop, "fill the model's frames by `crop|letterbox`: the centre of each frame, or all of it with black bars")
	addMediaLimit(f, &o.media)
	f.BoolVar(&o.decoder.InProcess, "decode-in-process", false, "let FFmpeg decode in this process, and in workers', where a crash ends the run; without it a child process decodes, and a crash costs one input")
	f.Var(&o.decodes, "decode-memory", "let a process that decodes have `SIZE` of memory, such as 512M or 8G; 0 is 4G (on Linux)")
}

// addMediaLimit adds the flag for limits of clips and pictures.
func addMediaLimit(f *pflag.FlagSet, limits *video.Limits) {
	f.Func("media-limit", "set a limit that an error names, such as `NAME=N`; may be given again. pixels: of a frame or picture (default 67108864); frames: of a clip at the model's rate (1000000); bytes: of a file (64 GiB, of a picture 256 MiB); clip-bytes: of pixels in memory (2 GiB)", limits.Set)
}

func (k *generateKind) takeClip() error {
	if k.own.Changed("guidance") {
		k.base.Guidance = &k.scale
	}
	switch {
	case k.own.Changed("class"):
		return k.takeClass()
	case k.base.Text != "":
		return k.takeText()
	}
	for _, name := range []string{"guidance", "guidance-tokens"} {
		if k.own.Changed(name) {
			return k.usagef("--%s needs --class or --text", name)
		}
	}
	if k.base.Frames < 1 || k.base.Prefix < 1 {
		return k.usagef("--prefix and --frames are at least 1")
	}
	if k.every < 0 || k.own.Changed("every") && k.every < request.Time(time.Millisecond) {
		return k.usagef("--every is at least a millisecond")
	}
	if k.cube = framesPerCube(k.folder); k.base.Prefix < k.cube {
		return k.usagef("--prefix is at least %d, one cube of the model", k.cube)
	}
	return nil
}

// takeText reads --text for published video models, with an input or without.
func (k *generateKind) takeText() error {
	if k.model == "" {
		return k.usagef("--text is for a published model, which --model names (see docs/how-to/checkpoints.md): the shipped one continues clips")
	}
	if k.manifest != "" {
		return nil
	}
	if len(k.input) > 0 {
		probe := k.base
		probe.Input = k.input[0]
		if err := probe.CheckGenerate(); err != nil {
			return k.usagef("%s", plain(err))
		}
		return nil
	}
	for _, name := range []string{"prefix", "start", "fit", "every"} {
		if k.own.Changed(name) {
			return k.usagef("--%s needs an --input", name)
		}
	}
	k.base.Prefix = 0
	if !k.own.Changed("frames") { // the default is the model's length
		k.base.Frames = 0
	} else if k.base.Frames < 1 {
		return k.usagef("--frames is at least 1")
	}
	return nil
}

// takeClass reads --class for published video models.
func (k *generateKind) takeClass() error {
	for _, name := range []string{"prefix", "frames", "start", "fit", "every"} {
		if k.own.Changed(name) {
			return k.usagef("--class generates a clip of the model's length from nothing: it takes no --%s", name)
		}
	}
	switch {
	case k.base.Text != "":
		return k.usagef("--class or --text, not both")
	case len(k.input) > 0 || k.manifest != "":
		return k.usagef("a clip starts from --class or from an input, not from both")
	case k.model == "":
		return k.usagef("--class is of a published model, which --model names (see docs/how-to/checkpoints.md): the shipped one continues clips")
	}
	k.base.Class, k.base.Prefix, k.base.Frames = &k.class, 0, 0
	return nil
}

// framesPerCube is that of a video model's folder, or 0 if it is unreadable. Opening the
// model reports the error.
func framesPerCube(dir string) int {
	_, f, _ := models.Describe(system.Video, dir)
	return f.Frames
}

// windows returns a request for each place of a film where the given frames fit. A file
// whose length its headers do not tell, or that is no video, keeps its one request: the run
// says what is wrong with it.
func (k *generateKind) windows(t terminal, requests []request.Request) []request.Request {
	_, format, _ := models.Describe(system.Video, k.folder) // of a published model the rate is not known here, and the last window may be short
	given := request.Time(format.Rate.At(k.base.Prefix))
	count := 0
	return request.Windows(requests, func(r request.Request) []request.Time {
		starts := []request.Time{r.Start}
		if store.Stored(r.Input) {
			fmt.Fprintf(t.err, "morton: %s is in a store: its length is not known here, so it has one window\n", r.Input)
			return starts
		}
		info, err := k.decoder.Probe(context.Background(), r.Input, k.media)
		switch {
		case err != nil:
		case info.Duration == 0:
			fmt.Fprintf(t.err, "morton: %s does not tell its length, so it has one window\n", r.Input)
		default:
			for at := r.Start + k.every; at+given <= request.Time(info.Duration) && count <= request.MaxRequests; at += k.every {
				starts = append(starts, at)
				count++
			}
		}
		return starts
	})
}
