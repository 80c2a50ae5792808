package family

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/morton-gen/morton/codecs/clip"
	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/codecs/video"
	"github.com/morton-gen/morton/codecs/video/isolated"
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
	// ErrNotFile reports a folder, a pipe or a device in place of a file. These
	// cannot be read twice, and opening a pipe may block forever.
	ErrNotFile = meshfile.ErrNotFile
	// ErrEmptyFile reports an input of no bytes.
	ErrEmptyFile = meshfile.ErrEmptyFile
	// ErrNotMesh reports a file that is not a mesh by its name and first bytes.
	ErrNotMesh = meshfile.ErrNotMesh
	// ErrNoInput reports a request without input to a model that needs one.
	ErrNoInput = errkind.New("no_input", "no input")
)

// Media is a clip, a film, a picture, a mesh, a rig, features of a shape or a text. All nil means no input.
type Media struct {
	Clip    *clip.Clip
	Film    *Film // a clip to be read while used
	Picture *picture.Picture
	Mesh    *mesh.Mesh
	Rig     *rig.Rig // beside the mesh of an input that has a skeleton
	Planes  *system.Planes
	Text    []float32 // features of a text, one row per token
	Control []float32 // features of a control, one row per token of the picture

	condition Condition // of the clip's file
	notes     []string
}

// Notes describe to users where m differs from its file.
func (m *Media) Notes() []string { return m.notes }

// Condition is that of m's file, as far as it was read.
func (m *Media) Condition() Condition {
	if m.Film != nil {
		return m.Film.Condition()
	}
	return m.condition
}

// Measures are the numbers that a report shows, by name.
type Measures = system.Measures

// Result is the result of a request.
type Result struct {
	Media    Media
	Sample   shard.Sample
	Given    int // video: leading frames of the result that are the input's
	Tokens   int // sampled, without given ones
	Elapsed  time.Duration
	Waited   time.Duration // before the model had a free slot
	Measures Measures
	Method   string   // if there are several
	Class    string   // its name, if the model has names of classes
	Notes    []string // for users: how the result differs from the request
}

// Model is an open model. Its methods are safe for concurrent use. The same
// request gives the same sample on one device, whatever else is running.
type Model interface {
	// Name identifies the model in reports and done-markers.
	Name() string
	// Decode reads a request's input as the model expects it. A request without
	// input gives empty Media, or an error wrapping ErrNoInput.
	Decode(ctx context.Context, r request.Request) (Media, error)
	// Tokenize encodes decoded media to a sample.
	Tokenize(ctx context.Context, r request.Request, m Media) (shard.Sample, Measures, error)
	// Generate blocks until the request is done; the model runs several at once.
	Generate(ctx context.Context, r request.Request, m Media) (*Result, error)
	// Detokenize decodes a sample to media.
	Detokenize(ctx context.Context, s shard.Sample) (*Result, error)
	// Close frees the model.
	Close()
}

// A Streamer is a Model that can tokenize an input while reading it. Open replaces Decode
// before Tokenize: it opens a request's input without reading it whole. Errors in the
// file during Tokenize are in [Film.Err].
type Streamer interface {
	Open(ctx context.Context, r request.Request) (Media, error)
}

// OnDevice is a Model whose samples depend on the device. Device returns what must be equal
// for equal samples: the device's name, its driver and the width of its subgroups.
type OnDevice interface{ Device() string }

// Spec says which model to open, and on which device. Equal specs share a model.
type Spec struct {
	Family request.Family `json:"family"`
	Dir    string         `json:"dir,omitempty"`    // the model's folder; empty means the shipped one
	Device string         `json:"device,omitempty"` // see gpu.Options
	Memory uint64         `json:"memory,omitempty"` // largest bytes on the device; 0 means all that is free
	// TokenizerOnly is for work that generates nothing: see models.Options.
	TokenizerOnly bool `json:"tokenizer_only,omitempty"`
	// NoModel is for quads along the surface, which need neither a model nor a device.
	NoModel bool `json:"no_model,omitempty"`
	Slots   int  `json:"slots,omitempty"` // sequences generated at once; 0 means the engine's default
	// Width and Threads are those of gpu.Options. A worker fails if it cannot use
	// a Width other than 0.
	Width   int `json:"width,omitempty"`
	Threads int `json:"threads,omitempty"`
	// Precision of the generator's matrices; "" means f16.
	Precision nn.Precision `json:"precision,omitempty"`
	// Draft is the path of a draft model for this one: see models.Options.
	Draft   string  `json:"draft,omitempty"`
	Guesses bool    `json:"guesses,omitempty"`
	Ahead   int     `json:"ahead,omitempty"`
	Near    int     `json:"near,omitempty"`
	Delta   float64 `json:"delta,omitempty"`
	Heat    float64 `json:"heat,omitempty"`
	// Limits bound the mesh files that are read, Media the clips and pictures.
	Limits limit.Limits `json:"mesh_limits,omitzero"`
	Media  video.Limits `json:"media_limits,omitzero"`
	// Decoder says where videos are decoded.
	Decoder isolated.Decoder `json:"decoder,omitzero"`
	// Tokens is the most tokens of one sample; 0 means as many as the model and the shards take.
	Tokens int `json:"tokens,omitempty"`
}

// device returns the options of the device to open. If models share a device, the
// first one's options apply; they change no result.
func (s *Spec) device() gpu.Options {
	return gpu.Options{
		Device: s.Device, MemoryLimit: s.Memory, Width: s.Width, Threads: s.Threads, Grain: models.Grain(string(s.Family), s.Dir, s.options()),
	}
}

// options are the options for package models.
func (s *Spec) options() models.Options {
	return models.Options{TokenizerOnly: s.TokenizerOnly, Slots: s.Slots, Precision: s.Precision, Draft: s.Draft, Guesses: s.Guesses, Ahead: s.Ahead, Near: s.Near, Delta: s.Delta, Heat: s.Heat}
}

// An Opener opens a model. It obtains the spec's device by calling device. The
// device is shared with other models and closed after the last of them.
type Opener func(device func() (*gpu.Device, error), s Spec) (Model, error)

var (
	openersMu sync.Mutex
	openers   = map[request.Family]Opener{}
)

// Register sets how to open the models of a family. The last registration
// applies, so a program or a test can add its own.
func Register(f request.Family, open Opener) {
	openersMu.Lock()
	defer openersMu.Unlock()
	openers[f] = open
}

// Registered returns the opener of a family's models, or nil.
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
