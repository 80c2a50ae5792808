package main

import (
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/pipelines"
)

// addPrompt adds the flags of what an image is generated from.
func addPrompt(k *generateKind) {
	f := k.own
	f.IntVar(&k.class, "class", 0, "generate class `N` of the model, counted from 0")
	addText(k)
	f.StringVar(&k.base.Control, "control", "", "steer the picture by the features of a control that `FILE` holds, [tokens of the picture, features], as for --text; for models of ControlAR, and of ArchonView the codes of the view, [tokens, numbers]")
	f.Float64Var(&k.scale, "guidance", 0, "scale of classifier-free guidance, instead of the model's own; up to 1 is none")
	f.IntVar(&k.base.GuidanceTokens, "guidance-tokens", 0, "end the guidance after about `N` tokens; 0 is never")
}

// addPicture adds tokenize's flags for pictures.
func addPicture(k *tokenizeKind) { addMediaLimit(k.own, &k.media) }

// addText adds the flag --text.
func addText(k *generateKind) {
	k.own.StringVar(&k.base.Text, "text", "", "generate from the features of a text in `FILE`: a safetensors file with one tensor [tokens, features], or FILE#TENSOR of several; leave out padding rows")
}

// takePrompt reads the flags of what an image is generated from and rejects invalid
// ones. Manifest lines may set it themselves.
func (k *generateKind) takePrompt() error {
	if len(k.input) > 0 {
		return k.usagef("a picture starts from --class or --text, not from --input")
	}
	if err := k.takeCondition(); err != nil {
		return err
	}
	if k.manifest == "" && k.base.Class == nil && k.base.Text == "" {
		return k.usagef("--class, --text or --manifest is required")
	}
	return nil
}

// takeCondition reads a class or a text, and the guidance.
func (k *generateKind) takeCondition() error {
	if k.own.Changed("class") {
		k.base.Class = &k.class
	}
	if k.own.Changed("guidance") {
		k.base.Guidance = &k.scale
	}
	if k.base.Class != nil && k.base.Text != "" {
		return k.usagef("--class or --text, not both")
	}
	return nil
}

// checkModel rejects a job of a kind without a shipped model unless --model names
// one.
func (o *options) checkModel(job *pipelines.Job) error {
	if o.model != "" {
		return nil
	}
	for i := range job.Requests {
		f := job.Requests[i].Family
		if _, err := system.OfKind(string(f)); err != nil && f != "" && f.HasModel() {
			return o.usagef("--model is required, a folder or file: no %s model is shipped, and docs/how-to/checkpoints.md tells where to begin", f)
		}
	}
	return nil
}
