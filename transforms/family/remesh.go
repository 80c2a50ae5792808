package family

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"time"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/internal/interrupt"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/limit"
	leaves "github.com/morton-gen/morton/models/tokenizer/octree"
	"github.com/morton-gen/morton/octree"
	"github.com/morton-gen/morton/octree/remesh"
	"github.com/morton-gen/morton/octree/surface"
	"github.com/morton-gen/morton/transforms/request"
)

// ErrNoTokens reports a request for tokens of a family without a model.
var ErrNoTokens = errkind.New("bad_request", "this kind has no tokens")

func init() {
	Register(request.Remesh, func(_ func() (*gpu.Device, error), s Spec) (Model, error) {
		return &remeshing{limits: s.Limits, room: make(chan struct{}, runtime.GOMAXPROCS(0))}, nil
	})
}

// remeshing makes closed meshes without a model or a device, one per processor at
// a time.
type remeshing struct {
	limits limit.Limits
	room   chan struct{}
}

// Name changes whenever the same request gives another mesh.
func (*remeshing) Name() string { return "dual-contouring-1" }

func (*remeshing) Close() {}

func (f *remeshing) Decode(ctx context.Context, r request.Request) (Media, error) {
	if r.Input == "" {
		return Media{}, fmt.Errorf("family.Decode: %w: a mesh is made from another", ErrNoInput)
	}
	return readSurface(ctx, r, f.limits)
}

func (f *remeshing) Generate(ctx context.Context, r request.Request, m Media) (*Result, error) {
	asked := time.Now()
	select {
	case f.room <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-f.room }()
	begun := time.Now()
	return interrupt.Value(ctx, func() (*Result, error) {
		out, err := remesh.Remesh(ctx, m.Mesh, remesh.Options{Depth: r.Depth, Faces: r.Faces})
		if err != nil {
			return nil, err
		}
		measures := withLoss(remeshed(out), m.Mesh, out)
		return &Result{Media: Media{Mesh: out.Mesh}, Elapsed: time.Since(begun), Waited: begun.Sub(asked), Measures: measures}, nil
	})
}

// withLoss adds what a remeshed surface lost of its source, in cells of the depth it
// corresponds to. A loss that cannot be measured is left out.
func withLoss(all Measures, source *mesh.Mesh, r *remesh.Result) Measures {
	depth := r.Depth
	if r.Replaced != nil {
		depth = r.Replaced.Depth
	}
	frame := octree.Fit(source, surface.FitExtent)
	if loss, err := surface.LossOf(frame.Mesh(source), frame.Mesh(r.Mesh), depth, r.Parts); err == nil {
		maps.Copy(all, leaves.LossMeasures(loss))
	}
	return all
}

// remeshed returns the measures of the octree surface that the result replaced.
func remeshed(r *remesh.Result) Measures {
	all := Measures{
		"finest_depth": float64(r.Depth),
		"solid_parts":  float64(r.Parts.Solid), "sealed_parts": float64(r.Parts.Sealed), "sheet_parts": float64(r.Parts.Sheets),
		"buried_parts": float64(r.Parts.Buried),
	}
	if u := r.Replaced; u != nil {
		all["replaced_depth"], all["replaced_faces"] = float64(u.Depth), float64(u.Faces)
		all["replaced_chamfer_mean"], all["replaced_hausdorff"] = u.ChamferL1, u.Hausdorff
	}
	return all
}

func (*remeshing) Tokenize(context.Context, request.Request, Media) (shard.Sample, Measures, error) {
	return shard.Sample{}, nil, fmt.Errorf("family.Tokenize: %w: remesh", ErrNoTokens)
}

func (*remeshing) Detokenize(context.Context, shard.Sample) (*Result, error) {
	return nil, fmt.Errorf("family.Detokenize: %w: remesh", ErrNoTokens)
}
