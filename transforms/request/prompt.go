package request

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// SplitText splits a request's Text, FILE or FILE#TENSOR, into the path of a
// safetensors file and the name of a tensor, "" for the file's only one. A text with
// the extension of such a file is a path.
func SplitText(text string) (path, tensor string) {
	if i := strings.LastIndexByte(text, '#'); i > 0 && !strings.HasSuffix(text, ".safetensors") {
		return text[:i], text[i+1:]
	}
	return text, ""
}

// isFeatures reports whether a text names a file of features, by its extension.
func isFeatures(text string) bool {
	path, _ := SplitText(text)
	return strings.HasSuffix(path, ".safetensors")
}

// Paths returns the fields that name files, including empty ones.
func (r *Request) Paths() []*string { return []*string{&r.Input, &r.Text, &r.Control} }

// Files returns the paths of the files that the request reads.
func (r *Request) Files() []string {
	var files []string
	if r.Input != "" {
		files = append(files, r.Input)
	}
	for _, features := range []string{r.Text, r.Control} {
		if path, _ := SplitText(features); path != "" {
			files = append(files, path)
		}
	}
	return files
}

// invalidPrompt returns what is inconsistent in a picture's class, text and
// guidance.
func (r *Request) invalidPrompt() string {
	switch {
	case r.Class != nil && *r.Class < 0:
		return fmt.Sprintf("class %d is negative", *r.Class)
	case !utf8.ValidString(r.Text):
		return fmt.Sprintf("text %q: the file's name is not UTF-8", r.Text)
	case !utf8.ValidString(r.Control):
		return fmt.Sprintf("control %q: the file's name is not UTF-8", r.Control)
	case r.Guidance != nil && !(*r.Guidance >= 0 && *r.Guidance <= MaxGuidance): // also for NaN
		return fmt.Sprintf("guidance %g: from 0 to %d", *r.Guidance, MaxGuidance)
	case r.GuidanceTokens < 0 || r.GuidanceTokens > MaxFrames:
		return fmt.Sprintf("guidance_tokens %d: from 0 to %d", r.GuidanceTokens, MaxFrames)
	}
	return ""
}

// checkPrompt returns why a request to generate a picture has nothing to start from.
func (r *Request) checkPrompt() error {
	switch {
	case r.Input != "":
		return fmt.Errorf("input %q: a picture starts from a class or a text", r.Input)
	case r.Class == nil && r.Text == "":
		return errors.New("no class and no text: a picture starts from one of them")
	case r.Class != nil && r.Text != "":
		return fmt.Errorf("class %d and text %q: a picture starts from one of them", *r.Class, r.Text)
	}
	return nil
}
