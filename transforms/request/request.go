package request

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/internal/store"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/octree"
)

// Errors a caller can branch on.
var (
	// ErrInvalid reports an invalid request.
	ErrInvalid = errkind.New("bad_request", "invalid request")
	// ErrNoMatch reports a pattern without matches.
	ErrNoMatch = errkind.New("no_match", "no file matches")
	// ErrFolder reports a folder in place of a file.
	ErrFolder = errkind.New("not_a_file", "not a file")
	// ErrNotUTF8 reports a file whose name JSON cannot represent.
	ErrNotUTF8 = errkind.New("bad_name", "the file's name is not UTF-8")
	// ErrManifest reports an invalid manifest.
	ErrManifest = errors.New("bad manifest")
)

// Bounds of one request: far above what a model can make, and low enough that
// no product of two overflows.
const (
	MaxFrames = 1 << 20
	MaxFaces  = 1 << 20
	// MaxGuidance is ten times the guidance of published models.
	MaxGuidance = 100
)

// Request describes one result. Its JSON form is a line of a manifest. Fields
// of other families are zero.
type Request struct {
	ID     string `json:"id"`
	Named  bool   `json:"-"` // the id was given, not derived from the input
	Family Family `json:"family"`
	Input  string `json:"input,omitempty"` // a file; empty means no input
	Row    int    `json:"row,omitempty"`   // sample index if Input is a shard
	Seed   uint64 `json:"seed"`

	Prefix int  `json:"prefix,omitempty"` // video: given frames of the input
	Frames int  `json:"frames,omitempty"` // video: frames to generate
	Start  Time `json:"start,omitempty"`  // video: where the given frames start in the input
	Fit    Fit  `json:"fit,omitempty"`    // video: how a frame fills the model's

	Class          *int     `json:"class,omitempty"`           // image, video: index of the model's class
	Text           string   `json:"text,omitempty"`            // image, video: the features of a text: see [SplitText]
	Control        string   `json:"control,omitempty"`         // image: the features of a control, as for Text
	Guidance       *float64 `json:"guidance,omitempty"`        // image, video: scale of classifier-free guidance; nil means the model's own
	GuidanceTokens int      `json:"guidance_tokens,omitempty"` // image, video: guidance ends after about that many tokens; 0 means never

	PrefixDepth int `json:"prefix_depth,omitempty"` // shape: given octree levels
	Depth       int `json:"depth,omitempty"`        // shape, remesh: level of the finest leaves; 0 means the model's own, or one that suits Faces

	Faces int `json:"faces,omitempty"` // quads, remesh: largest number of faces

	// Method selects how quads are made: by the model, along the surface, or the one
	// with the better score. Empty means by the model.
	Method Method `json:"method,omitempty"`

	// QuadShare is the share of the faces that are to have four corners; nil means the model's own.
	QuadShare *float64 `json:"quad_share,omitempty"` // quads, by a model that knows it

	Coding string `json:"coding,omitempty"` // quads, tokenize: how faces become tokens; "" means the model's own

	Scene *int `json:"scene,omitempty"` // meshes: scene of a glTF file; nil means its default

	Sampling *Sampling `json:"sampling,omitempty"` // nil means the model's own
	Search   *Search   `json:"search,omitempty"`   // generate: among several candidates; nil means one sample

	// Extra are the user's own fields of a manifest line. They are copied to the
	// reports and have no other effect.
	Extra Extra `json:"extra,omitempty"`
}

// Method is a way to make quads.
type Method string

// The methods, as named on the command line.
const (
	MethodAuto    Method = "auto"
	MethodModel   Method = "model"
	MethodSurface Method = "surface"
)

// Methods lists all methods.
var Methods = []Method{MethodAuto, MethodModel, MethodSurface}

// Sampling controls how tokens are sampled.
type Sampling struct {
	Temperature float64 `json:"temperature"` // 0 takes the most likely
	TopK        int     `json:"top_k"`       // 0 is off
	TopP        float64 `json:"top_p"`       // 1 is off
}

// Validate returns an error wrapping [ErrInvalid] for the first inconsistency.
// What depends on the model is checked there.
func (r *Request) Validate() error {
	if why := r.invalid(); why != "" {
		return fmt.Errorf("request.Validate: %w: %s", ErrInvalid, why)
	}
	return nil
}

func (r *Request) invalid() string {
	for _, place := range r.Files() {
		if err := store.Check(place); err != nil {
			return err.Error()
		}
	}
	switch {
	case !IsName(r.ID):
		return fmt.Sprintf("id %q: an id is 1 to %d bytes of letters, digits, '.', '_' or '-', and begins with a letter or digit", r.ID, maxName)
	case r.Prefix < 0 || r.Frames < 0 || r.Prefix > MaxFrames || r.Frames > MaxFrames:
		return fmt.Sprintf("prefix %d and frames %d: from 0 to %d", r.Prefix, r.Frames, MaxFrames)
	case r.Start < 0 || r.Start > maxStart:
		return fmt.Sprintf("start %v: from 0 to %v", r.Start, maxStart)
	case r.Fit != Crop && r.Fit != Letterbox:
		return fmt.Sprintf("fit %q: crop or letterbox", string(r.Fit))
	case r.PrefixDepth < 0 || r.Depth < 0 || r.PrefixDepth > octree.MaxDepth || r.Depth > octree.MaxDepth:
		return fmt.Sprintf("prefix-depth %d and depth %d: from 0 to %d", r.PrefixDepth, r.Depth, octree.MaxDepth)
	case r.Depth > 0 && r.PrefixDepth > r.Depth:
		return fmt.Sprintf("prefix-depth %d is over depth %d", r.PrefixDepth, r.Depth)
	case r.Faces < 0 || r.Faces > MaxFaces:
		return fmt.Sprintf("faces %d: from 0 to %d", r.Faces, MaxFaces)
	case r.QuadShare != nil && !(*r.QuadShare >= 0 && *r.QuadShare <= 1): // also for NaN
		return fmt.Sprintf("quad_share %g: from 0 to 1", *r.QuadShare)
	case r.Coding != "" && !slices.Contains(sequence.Names(), r.Coding):
		return fmt.Sprintf("coding %q: one of %s", r.Coding, strings.Join(sequence.Names(), ", "))
	case !slices.Contains(Methods, r.Method) && r.Method != "":
		return fmt.Sprintf("method %q: one of %v", string(r.Method), Methods)
	case r.Scene != nil && *r.Scene < 0:
		return fmt.Sprintf("scene %d is negative", *r.Scene)
	case r.Row < 0:
		return fmt.Sprintf("row %d is negative", r.Row)
	}
	if why := r.invalidPrompt(); why != "" {
		return why
	}
	if why := r.Sampling.invalid(); why != "" {
		return why
	}
	if why := r.Search.invalid(); why != "" {
		return why
	}
	return invalidExtra(r.Extra)
}

func (s *Sampling) invalid() string {
	switch {
	case s == nil:
	case !(s.Temperature >= 0 && s.Temperature <= 100): // also false for NaN
		return fmt.Sprintf("temperature %g: from 0 to 100", s.Temperature)
	case s.TopK < 0:
		return fmt.Sprintf("top-k %d is negative", s.TopK)
	case !(s.TopP > 0 && s.TopP <= 1):
		return fmt.Sprintf("top-p %g: over 0, at most 1", s.TopP)
	}
	return ""
}

// In returns the request as seen from elsewhere: its relative files are in folder. An
// empty folder changes nothing.
func (r *Request) In(folder string) Request {
	there := *r
	if folder == "" {
		return there
	}
	for _, p := range []*string{&there.Input, &there.Text} {
		if *p != "" && !store.IsAbs(*p) {
			*p = filepath.Join(folder, *p)
		}
	}
	return there
}

// Fingerprint is equal for two runs of r that must give the same result. It covers every
// field except Extra, the model's name, and the action, such as "generate". For a file
// that r reads it covers the absolute path, size and modification time; for an object in
// a store the place and tag (see [store.Tag]). It does not read contents, since a video
// may be large.
func (r *Request) Fingerprint(action, model string) string {
	stamp := stampOf(r.Input)
	same := *r
	same.Extra = nil
	for _, p := range same.Paths() {
		*p = absolute(*p)
	}
	for _, features := range []string{r.Text, r.Control} {
		path, _ := SplitText(features)
		if s := stampOf(path); s != "" {
			stamp += " " + s
		}
	}
	text, err := json.Marshal([]any{action, model, stamp, &same})
	if err != nil {
		panic("request: a request is always JSON: " + err.Error()) // Validate rejects NaN
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// stampOf distinguishes versions of a file or object of one name. It is "" if there is
// none.
func stampOf(place string) string {
	if place == "" {
		return ""
	}
	info, err := store.Stat(place)
	switch {
	case err != nil:
		return ""
	case store.Stored(place):
		return store.Tag(info)
	}
	return fmt.Sprint(info.Size(), info.ModTime().UnixNano())
}
