package main

import (
	"github.com/spf13/pflag"

	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/transforms/request"
)

func addClip(k *generateKind) {
	k.own.IntVar(&k.base.Prefix, "prefix", 16, "frames of the input that are given, at the model's rate: whole cubes, of 8 frames in the shipped model")
	k.own.IntVar(&k.base.Frames, "frames", 48, "frames to generate after them")
	addReading(k.own, &k.base)
}

func addFrames(k *tokenizeKind) {
	k.own.IntVar(&k.base.Prefix, "frames", 0, "at most so many frames of each input, at the model's rate; 0 is all")
	addReading(k.own, &k.base)
}

// addReading adds the flags that say how a clip is read.
func addReading(f *pflag.FlagSet, r *request.Request) {
	f.TextVar(&r.Start, "start", request.Time(0), "begin at `TIME` of the input: seconds, or such as 1m30s")
	f.TextVar(&r.Fit, "fit", request.Crop, "fill the model's square by `crop|letterbox`: with a frame's centre, or all of it on black")
}

func (k *generateKind) takeClip() error {
	if k.base.Frames < 1 || k.base.Prefix < 1 {
		return k.usagef("--prefix and --frames are at least 1")
	}
	if k.cube = framesPerCube(k.model); k.base.Prefix < k.cube {
		return k.usagef("--prefix is at least %d, one cube of the model", k.cube)
	}
	return nil
}

// framesPerCube is that of a video model's folder, or 0 if the folder cannot be read: then
// opening the model tells.
func framesPerCube(dir string) int {
	_, f, _ := models.Describe(system.Video, dir)
	return f.Frames
}
