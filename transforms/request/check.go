package request

import (
	"errors"
	"fmt"
)

// CheckGenerate returns why r cannot be a request to generate, beyond [Request.Validate];
// the command's flags and its manifests refuse the same.
func (r *Request) CheckGenerate() error {
	if r.Input == "" && !r.Family.FromNothing() {
		return fmt.Errorf("no input: %s starts from a file", r.Family)
	}
	if name := r.foreign(); name != "" {
		return fmt.Errorf("%q is no field of %s", name, r.Family)
	}
	if err := r.checkPrompt(); err != nil {
		return err
	}
	switch {
	case r.Family == Video && (r.Prefix < 1 || r.Frames < 1):
		return fmt.Errorf("prefix %d and frames %d: both are at least 1", r.Prefix, r.Frames)
	case r.Input == "" && r.PrefixDepth > 0:
		return errors.New("a prefix depth needs an input")
	}
	return nil
}

// foreign returns the name of a field that r has and its family does not.
func (r *Request) foreign() string {
	for _, f := range []struct {
		of    Family
		given bool
		name  string
	}{
		{Video, r.Prefix != 0, "prefix"},
		{Video, r.Frames != 0, "frames"},
		{Video, r.Start != 0, "start"},
		{Video, r.Fit != Crop, "fit"},
		{Image, r.Class != nil, "class"},
		{Image, r.Text != "", "text"},
		{Image, r.Guidance != nil, "guidance"},
		{Image, r.GuidanceTokens != 0, "guidance_tokens"},
		{Shape, r.PrefixDepth != 0, "prefix_depth"},
		{Shape, r.Depth != 0, "depth"},
		{Quads, r.Faces != 0, "faces"},
	} {
		if f.given && f.of != r.Family {
			return f.name
		}
	}
	return ""
}

// CheckTokenize returns why r cannot be a request to tokenize. In such a manifest
// "frames" is what the flag --frames is: at most so many of the input are taken. In
// a request these are the prefix, and a line may say so too. The flag's value is what
// a line without either has as its frames.
func (r *Request) CheckTokenize(flag int) error {
	switch {
	case r.Input == "":
		return errors.New("no input to tokenize")
	case r.Prefix == 0:
		r.Prefix = r.Frames
	case r.Frames != flag && r.Frames != r.Prefix:
		return fmt.Errorf("prefix %d and frames %d both say how many frames are taken", r.Prefix, r.Frames)
	}
	r.Frames = 0
	return nil
}
