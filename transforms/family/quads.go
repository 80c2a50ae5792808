package family

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/internal/interrupt"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/quadfield"
	"github.com/morton-gen/morton/octree/remesh"
	"github.com/morton-gen/morton/transforms/request"
)

func init() {
	Register(request.Quads, func(device func() (*gpu.Device, error), s Spec) (Model, error) {
		room := make(chan struct{}, runtime.GOMAXPROCS(0))
		if s.NoModel {
			return &surfaces{remeshing{limits: s.Limits, room: room}}, nil
		}
		m, err := openKind(request.Quads, reader{decode: decodeQuads}, device, s)
		if err != nil {
			return nil, err
		}
		return &quads{generator: m, surfaces: &surfaces{remeshing{limits: s.Limits, room: room}}, shipped: s.Dir == ""}, nil
	})
}

// surfaceFaces is the default budget of the surface method without a model.
const surfaceFaces = 800

// surfaces makes quads without a model or a device, one mesh per processor at a
// time.
type surfaces struct{ remeshing }

// Name changes whenever the same request gives another mesh.
func (*surfaces) Name() string { return "quad-field-2" }

func (f *surfaces) Generate(ctx context.Context, r request.Request, m Media) (*Result, error) {
	if r.Method != request.MethodSurface {
		return nil, fmt.Errorf("family.Generate: %w: method %q without a model", ErrNoInput, r.Method)
	}
	out, _, err := f.quads(ctx, m.Mesh, r.Faces)
	return out, err
}

// quads makes quads with a cross field, within a budget; 0 means surfaceFaces.
func (f *surfaces) quads(ctx context.Context, m *mesh.Mesh, faces int) (*Result, quadfield.Quality, error) {
	asked := time.Now()
	select {
	case f.room <- struct{}{}:
	case <-ctx.Done():
		return nil, quadfield.Quality{}, context.Cause(ctx)
	}
	defer func() { <-f.room }()
	if faces == 0 {
		faces = surfaceFaces
	}
	begun := time.Now()
	out, err := interrupt.Value(ctx, func() (*remesh.Retopology, error) { return remesh.Quads(ctx, m, faces) })
	if err != nil {
		return nil, quadfield.Quality{}, err
	}
	r := &Result{
		Media: Media{Mesh: out.Mesh}, Method: "surface: " + out.Method, Elapsed: time.Since(begun), Waited: begun.Sub(asked),
		Measures: Measures{"open_surfaces": float64(out.Open), "inverted_quads": float64(out.Quality.Folded), "score": out.Quality.Score()}, Notes: notes(out),
	}
	return r, out.Quality, nil
}

// notes say where a mesh differs from what was requested.
func notes(out *remesh.Retopology) (all []string) {
	if out.Method == remesh.DualContouring {
		all = append(all, "no field of quads closed the surface within the budget without inverted quads: dual contouring instead, with triangles")
	}
	if n := out.Quality.Folded; n > 0 {
		all = append(all, fmt.Sprintf("quads inverted: %d; no method was without", n))
	}
	return all
}

// quads makes quads with a model, along the surface, or the better of both.
type quads struct {
	*generator
	surfaces *surfaces
	shipped  bool // the model is the one in the program
}

// modelScore is a score below which the shipped model's were never: at 50 faces they
// were 7.7 to 23.7 on 8 fixtures, without what counts for an open mesh. Each took
// half a minute to two and a half on two cores (lavapipe). All were open.
const modelScore = 7

// Generate implements [Model].
func (q *quads) Generate(ctx context.Context, r request.Request, m Media) (*Result, error) {
	switch r.Method {
	case request.MethodSurface:
		out, _, err := q.surfaces.quads(ctx, m.Mesh, q.faces(r))
		return out, err
	case request.MethodAuto:
		return q.better(ctx, r, m)
	}
	out, err := q.generator.Generate(ctx, r, m)
	if err == nil {
		out.Method = "model"
	}
	return out, err
}

// faces is the budget of a request. The default is the size the model was
// trained on.
func (q *quads) faces(r request.Request) int {
	if r.Faces == 0 {
		return q.format().Faces
	}
	return r.Faces
}

// better returns the result with the lower score. The model runs only where it may win
// (see unasked). If one method fails, the other's result is used.
func (q *quads) better(ctx context.Context, r request.Request, m Media) (*Result, error) {
	surface, quality, surfaceErr := q.surfaces.quads(ctx, m.Mesh, q.faces(r))
	if surfaceErr == nil {
		if why := q.unasked(r, quality, m.Mesh); why != "" {
			surface.Notes = append(surface.Notes, "the model was not asked: "+why)
			return surface, nil
		}
	}
	model, modelErr := q.generator.Generate(ctx, r, m)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case surfaceErr != nil && modelErr != nil:
		return nil, modelErr
	case modelErr != nil:
		surface.Notes = append(surface.Notes, "the model gave nothing: "+modelErr.Error())
		return surface, nil
	}
	model.Method = "model"
	if surfaceErr != nil {
		model.Notes = append(model.Notes, "the surface method gave nothing: "+surfaceErr.Error())
		return model, nil
	}
	theirs, err := quadfield.Measure(model.Media.Mesh, m.Mesh)
	if err != nil {
		surface.Notes = append(surface.Notes, "the model's mesh cannot be measured: "+err.Error())
		return surface, nil
	}
	its, ours := score(theirs, m.Mesh), score(quality, m.Mesh)
	if its < ours {
		return withScores(model, its, ours), nil
	}
	surface.Elapsed += model.Elapsed
	return withScores(surface, its, ours), nil
}

// unasked says why the model cannot do better than the surface's quads; "" if it may.
func (q *quads) unasked(r request.Request, surface quadfield.Quality, source *mesh.Mesh) string {
	trained, s := q.format().Faces, score(surface, source)
	switch {
	case trained > 0 && r.Faces > trained:
		return fmt.Sprintf("it was trained for %d faces", trained)
	case q.shipped && surface.Closed && !open(source):
		return "its meshes are open, and the source is closed"
	case q.shipped && s < modelScore:
		return fmt.Sprintf("the surface method's score is %.2g, and the model's are above %d", s, modelScore)
	}
	return ""
}

// score is that of a result as an approximation of a source. If the source has a
// boundary, the result need not be closed.
func score(q quadfield.Quality, source *mesh.Mesh) float64 {
	q.Closed = q.Closed || open(source)
	return q.Score()
}

// open reports whether a mesh has a boundary, or edges of more than two faces.
func open(m *mesh.Mesh) bool {
	r, err := mesh.Measure(m)
	return err == nil && !r.Watertight
}

func withScores(r *Result, model, surface float64) *Result {
	all := r.Measures
	if all == nil {
		all = Measures{}
	}
	all["score_model"], all["score_surface"] = model, surface
	r.Measures = all
	return r
}
