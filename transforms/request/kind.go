package request

import (
	"errors"
	"fmt"
	"slices"
)

// Family is a kind of result.
type Family string

// The families, as named on the command line.
const (
	Video Family = "video"
	// Image models are published ones; none is shipped.
	Image Family = "image"
	Shape Family = "shape"
	Quads Family = "quads"
	// Rig models give a mesh a skeleton; none is shipped.
	Rig Family = "rig"
	// Remesh has no model and thus no tokens.
	Remesh Family = "remesh"
)

// Families lists all families.
var Families = []Family{Video, Image, Shape, Quads, Rig, Remesh}

// kind describes requests of a family. The zero value makes meshes from inputs.
type kind struct {
	noModel     bool
	fromNothing bool
	fromPrompt  bool // without an input it generates from a class or a text
	// fields are the fields of this family that not all families have.
	fields []string
	// quiet marks names that users also choose for their own fields. In lines of
	// other families they are the user's.
	quiet bool
	// files are the extensions of a result's files; nil means those of a mesh.
	files []string
	// check returns why a request to generate has nothing to start from, or nil.
	check func(*Request) error
}

var kinds = map[Family]kind{
	Video:  {fields: []string{"prefix", "frames", "start", "fit", "class", "text", "guidance", "guidance_tokens"}, fromPrompt: true, files: []string{".mp4", ".png"}, check: (*Request).checkClip},
	Image:  {fields: []string{"class", "text", "control", "guidance", "guidance_tokens"}, quiet: true, files: []string{".png"}, fromNothing: true, check: (*Request).checkPrompt},
	Shape:  {fields: []string{"prefix_depth", "depth", "class", "text", "guidance", "guidance_tokens"}, fromNothing: true, fromPrompt: true, files: append([]string{".safetensors"}, meshFiles...)},
	Quads:  {fields: []string{"faces", "method", "quad_share", "coding"}},
	Rig:    {files: []string{".glb", ".png"}},
	Remesh: {fields: []string{"depth", "faces"}, noModel: true},
}

// meshFiles are the extensions of a mesh: for programs, for people, and a picture.
var meshFiles = []string{".glb", ".obj", ".png"}

// HasModel reports whether a model makes the family's results from tokens.
func (f Family) HasModel() bool { return !kinds[f].noModel }

// FromNothing reports whether the request generates without an input.
func (r *Request) FromNothing() bool {
	k := kinds[r.Family]
	return k.fromNothing || k.fromPrompt && (r.Class != nil || r.Text != "")
}

// Files returns the extensions of a result's files.
func (f Family) Files() []string {
	if k := kinds[f]; k.files != nil {
		return k.files
	}
	return meshFiles
}

// given returns the names of the request's fields that not all families have.
func (r *Request) given() (names []string) {
	for _, f := range []struct {
		given bool
		name  string
	}{
		{r.Prefix != 0, "prefix"},
		{r.Frames != 0, "frames"},
		{r.Start != 0, "start"},
		{r.Fit != Crop, "fit"},
		{r.Class != nil, "class"},
		{r.Text != "", "text"},
		{r.Control != "", "control"},
		{r.Guidance != nil, "guidance"},
		{r.GuidanceTokens != 0, "guidance_tokens"},
		{r.PrefixDepth != 0, "prefix_depth"},
		{r.Depth != 0, "depth"},
		{r.Faces != 0, "faces"},
		{r.Method != "", "method"},
		{r.QuadShare != nil, "quad_share"},
		{r.Coding != "", "coding"},
	} {
		if f.given {
			names = append(names, f.name)
		}
	}
	return names
}

// foreign returns the name of a field that r has and its family does not.
func (r *Request) foreign() string {
	for _, name := range r.given() {
		if !slices.Contains(kinds[r.Family].fields, name) {
			return name
		}
	}
	return ""
}

// lineFields returns the fields of a manifest line of a family.
func lineFields(f Family) []string {
	return slices.DeleteFunc(slices.Clone(allFields), func(name string) bool {
		for of, k := range kinds {
			if of != f && k.quiet && slices.Contains(k.fields, name) {
				return true
			}
		}
		return false
	})
}

// checkClip returns why a request cannot continue a clip or generate one from a class or a
// text.
func (r *Request) checkClip() error {
	if r.Class != nil {
		switch {
		case r.Text != "":
			return fmt.Errorf("class %d and text %q: a clip starts from one of them", *r.Class, r.Text)
		case r.Input != "":
			return fmt.Errorf("%q is no field of video beside an input", "class")
		case r.Prefix != 0 || r.Frames != 0 || r.Start != 0:
			return fmt.Errorf("class %d: a clip of a class has the model's length, not prefix %d and frames %d", *r.Class, r.Prefix, r.Frames)
		}
		return nil
	}
	if r.Input == "" {
		if r.Prefix != 0 || r.Start != 0 {
			return fmt.Errorf("text %q: without an input there is no prefix %d, nor a start", r.Text, r.Prefix)
		}
		return nil
	}
	if r.Text != "" && !isFeatures(r.Text) { // in a manifest it would be a caption
		return fmt.Errorf("text %q: beside an input the name of the file ends in .safetensors", r.Text)
	}
	if r.Prefix < 1 || r.Frames < 1 {
		return fmt.Errorf("prefix %d and frames %d: both are at least 1", r.Prefix, r.Frames)
	}
	return nil
}

// CheckGenerate returns why r cannot be a request to generate, beyond [Request.Validate].
// It applies to the command's flags and to manifests.
func (r *Request) CheckGenerate() error {
	if r.Input == "" && !r.FromNothing() {
		return fmt.Errorf("no input: %s starts from a file", r.Family)
	}
	if name := r.foreign(); name != "" {
		return fmt.Errorf("%q is no field of %s", name, r.Family)
	}
	if check := kinds[r.Family].check; check != nil {
		if err := check(r); err != nil {
			return err
		}
	}
	if r.Input == "" && r.PrefixDepth > 0 {
		return errors.New("a prefix depth needs an input")
	}
	return nil
}
