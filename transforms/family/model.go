package family

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/limit"
	"github.com/morton-gen/morton/mesh/meshfile"
	"github.com/morton-gen/morton/mesh/rig"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/transforms/request"
)

// Errors a caller can branch on.
var (
	// ErrUnknown reports a family that nothing is registered for.
	ErrUnknown = errkind.New("unknown_family", "unknown family")
	// ErrNotFile reports a folder, a pipe or a device where a file must be: they
	// cannot be read twice, and opening a pipe may wait for ever.
	ErrNotFile = meshfile.ErrNotFile
	// ErrEmptyFile reports an input of no bytes.
	ErrEmptyFile = meshfile.ErrEmptyFile
	// ErrNotMesh reports a file that is no mesh, by its name and first bytes.
	ErrNotMesh = meshfile.ErrNotMesh
	// ErrNoInput reports a request from nothing to a model that needs an input.
	ErrNoInput = errkind.New("no_input", "no input")
)

// Media is a clip, a film, a picture, a mesh, a rig, features of a shape or a text; all nil stand for nothing.
type Media struct {
	Clip    *clip.Clip
	Film    *Film // a clip that is not read yet
	Picture *picture.Picture
	Mesh    *mesh.Mesh
	Rig     *rig.Rig // beside the mesh of an input that has a skeleton
	Planes  *system.Planes
	Text    []float32 // features of a text, a row a token
	Control []float32 // features of a control, a row a token of the picture

	condition Condition // of what a clip was read from
	notes     []string
}

// Notes say for people where m is not what its file holds.
func (m *Media) Notes() []string { return m.notes }

// Condition is that of the file that m comes from, as far as it was read.
func (m *Media) Condition() Condition {
	if m.Film != nil {
		return m.Film.Condition()
	}
	return m.condition
}

// Measures are the numbers that a report shows, by name.
type Measures = system.Measures

// Result is what a request came to.
type Result struct {
	Media    Media
	Sample   shard.Sample
	Given    int // video: frames of the result that are the input's
	Tokens   int // drawn, those that were given not counted
	Elapsed  time.Duration
	Waited   time.Duration // before the model had room
	Measures Measures
	Method   string   // how it was made, where there are several ways
	Notes    []string // where the result is not what was asked for, for people
}

// Model is one open model. Its methods may be called from many goroutines at
// once. The same request gives the same sample on one device, whatever else is
// running.
type Model interface {
	// Name tells this model from every other, for reports and done-markers.
	Name() string
	// Decode reads a request's input as the model wants it. A request from
	// nothing gives empty Media, or an error wrapping ErrNoInput.
	Decode(ctx context.Context, r request.Request) (Media, error)
	// Tokenize turns decoded media into a sample.
	Tokenize(ctx context.Context, r request.Request, m Media) (shard.Sample, Measures, error)
	// Generate blocks until the request is done; the model runs several at once.
	Generate(ctx context.Context, r request.Request, m Media) (*Result, error)
	// Detokenize turns a sample back into media.
	Detokenize(ctx context.Context, s shard.Sample) (*Result, error)
	// Close frees what the model holds.
	Close()
}

// A Streamer is a Model that can tokenize an input while it is read. Open takes the place
// of Decode before Tokenize: it looks at a request's input without reading it whole, and
// what Tokenize meets in the file is in [Film.Err].
type Streamer interface {
	Open(ctx context.Context, r request.Request) (Media, error)
}

// Spec says which model to open, and on which device. Equal specs share a model.
type Spec struct {
	Family request.Family `json:"family"`
	Dir    string         `json:"dir,omitempty"`    // the model's folder; empty means the shipped one
	Device string         `json:"device,omitempty"` // see gpu.Options
	Memory uint64         `json:"memory,omitempty"` // bytes the device may take; 0 means what there is
	// TokenizerOnly is for work that generates nothing, see models.Options.
	TokenizerOnly bool `json:"tokenizer_only,omitempty"`
	// NoModel is for quads along the surface, which need neither a model nor a device.
	NoModel bool `json:"no_model,omitempty"`
	Slots   int  `json:"slots,omitempty"` // sequences generated at once; 0 means the engine's default
	// Width and Threads are of gpu.Options; a Width other than 0 is that of every
	// worker, or the worker fails.
	Width   int `json:"width,omitempty"`
	Threads int `json:"threads,omitempty"`
	// Precision of the generator's matrices; "" means f16.
	Precision nn.Precision `json:"precision,omitempty"`
	// Draft is the path of a model that drafts for this one, see models.Options.
	Draft   string  `json:"draft,omitempty"`
	Guesses bool    `json:"guesses,omitempty"`
	Ahead   int     `json:"ahead,omitempty"`
	Near    int     `json:"near,omitempty"`
	Delta   float64 `json:"delta,omitempty"`
	Heat    float64 `json:"heat,omitempty"`
	// Limits bound the mesh files that are read.
	Limits limit.Limits `json:"mesh_limits,omitzero"`
}

// device are the options of the device to open. If other models share it, those of
// the first count: they change no result.
func (s *Spec) device() gpu.Options {
	return gpu.Options{
		Device: s.Device, MemoryLimit: s.Memory, Width: s.Width, Threads: s.Threads, Grain: models.Grain(string(s.Family), s.Dir, s.options()),
	}
}

// options are what package models wants to know.
func (s *Spec) options() models.Options {
	return models.Options{TokenizerOnly: s.TokenizerOnly, Slots: s.Slots, Precision: s.Precision, Draft: s.Draft, Guesses: s.Guesses, Ahead: s.Ahead, Near: s.Near, Delta: s.Delta, Heat: s.Heat}
}

// An Opener opens a model. It gets the spec's device by asking for it; the device
// is shared with other models, and is closed after the last of them.
type Opener func(device func() (*gpu.Device, error), s Spec) (Model, error)

var (
	openersMu sync.Mutex
	openers   = map[request.Family]Opener{}
)

// Register says how to open the models of a family. The last registration
// counts, so that a program or a test can bring its own.
func Register(f request.Family, open Opener) {
	openersMu.Lock()
	defer openersMu.Unlock()
	openers[f] = open
}

// Registered returns what opens the models of a family, or nil.
func Registered(f request.Family) Opener {
	openersMu.Lock()
	defer openersMu.Unlock()
	return openers[f]
}

func opener(f request.Family) (Opener, error) {
	if open := Registered(f); open != nil {
		return open, nil
	}
	return nil, fmt.Errorf("family.Open: %w: %q", ErrUnknown, f)
}
