package octgpt

import (
	"encoding/json"
	"fmt"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer"
	"github.com/morton-gen/morton/models/tokenizer/cells"
	"github.com/morton-gen/morton/octree/dual"
	"github.com/morton-gen/morton/octree/surface"
)

func init() {
	system.RegisterCodec(system.Codec{
		Name: "octgpt", Kind: system.Shape, Samples: shard.KindOctreeCodes,
		Tensors: []string{"post_proj.weight", "decoder.predict.0.conv1.conv.linear.weight", "decoder.decoder.0.resblks.0.conva.conv.weights"},
		Fields:  []string{"n_node_type", "embedding_channels"},
		Describe: func(config json.RawMessage, w nn.Weights) (system.Description, error) {
			c, err := Describe(config, w)
			if err != nil {
				return nil, err
			}
			return c, nil
		},
	})
}

// cells is the layout of samples.
func (c Config) cells() cells.Tokenizer { return cells.Tokenizer{Top: c.Top, Depth: c.Code} }

// Fit implements [system.Description].
func (c Config) Fit(s *system.System) (system.Format, error) {
	if c.Bits != s.Token.Bits {
		return system.Format{}, fmt.Errorf("the tokenizer has codes of %d bits, the generator of %d", c.Bits, s.Token.Bits)
	}
	if s.Tokenizer != nil {
		t, err := s.Tokenizer(nil, nil)
		if err != nil {
			return system.Format{}, err
		}
		if own, ok := t.(cells.Tokenizer); !ok || own != c.cells() {
			return system.Format{}, fmt.Errorf("the tokenizer has codes at level %d behind flags from %d on, the generator %+v", c.Code, c.Top, t)
		}
	}
	return system.Format{Depth: c.Code}, nil
}

// Size implements [system.Description].
func (c Config) Size(w nn.Weights, _ *system.System) (uint64, error) { return Bytes(c, w) }

// Load implements [system.Description].
func (c Config) Load(dev *gpu.Device, w nn.Weights, _ *system.System) (system.Tokenizer, error) {
	codec, err := Open(dev, c, w)
	if err != nil {
		return nil, err
	}
	return meshes{c.cells(), codec}, nil
}

// Facts implements [system.Description].
func (c Config) Facts() []system.Fact {
	return []system.Fact{
		{Name: "tokenizer_codes", Value: fmt.Sprintf("%d bits a node of level %d", c.Bits, c.Code)},
		{Name: "tokenizer_levels", Value: fmt.Sprintf("%d to %d", c.Top, c.Depth)},
		{Name: "tokenizer_surface", Value: fmt.Sprintf("%s of a grid of %d points a side", c.Faces, c.Resolution)},
	}
}

// meshes implements [system.Tokenizer].
type meshes struct {
	cells.Tokenizer

	codec *Codec
}

// Close implements [system.Tokenizer].
func (k meshes) Close() { k.codec.Free() }

// Points that a mesh is encoded from, as many as upstream's corpora have, and their seed.
const (
	pointCount = 200_000
	pointSeed  = 1
)

// Encode turns points on a mesh into a sample. Faces of closed parts look outwards; those of
// open parts are taken as they are. Errors: those of [Codec.Encode], mesh's, and
// system.ErrPrompt.
func (k meshes) Encode(id string, m system.Media, _ system.Extent) (shard.Sample, system.Measures, error) {
	source, err := tokenizer.Source(m)
	if err == nil {
		err = source.Validate()
	}
	if err != nil {
		return shard.Sample{}, nil, err
	}
	inside, back := cells.Fit(source)
	oriented, _ := mesh.Orient(mesh.Clean(inside, 0))
	points, normals, _ := mesh.SampleSurface(oriented, pointCount, pointSeed)
	tree, codes, err := k.codec.Encode(points, normals)
	if err != nil {
		return shard.Sample{}, nil, err
	}
	return k.Sample(id, tree, codes, back), system.Measures{"nodes": float64(len(codes))}, nil
}

// Decode contours the field of a sample, in its source's place if the sample has one. Parts
// that are not closed are left out, as upstream does. Where none is, all stay. Errors wrap
// shard.ErrSample, or are those of [Codec.Decode].
func (k meshes) Decode(s shard.Sample) (system.Media, system.Measures, error) {
	tree, codes, err := k.Parse(s)
	if err != nil {
		return system.Media{}, nil, err
	}
	field, err := k.codec.Decode(tree, codes)
	if err != nil {
		return system.Media{}, nil, err
	}
	made, err := k.codec.cfg.contour(field)
	if err != nil {
		return system.Media{}, nil, err
	}
	closed, open := mesh.Closed(made)
	if closed.NumFaces() == 0 {
		closed = made
	}
	if closed.NumFaces() == 0 {
		return system.Media{}, nil, fmt.Errorf("octgpt.Decode: %w: %q: the field has no surface", mesh.ErrEmpty, s.ID)
	}
	placed, err := tokenizer.Placed(&s, closed)
	return system.Media{Mesh: placed}, system.Measures{"nodes": float64(len(codes)), "open_parts": float64(open)}, err
}

// Begin starts from nothing, or from the flags of a mesh's first levels, see cells.Begin.
func (k meshes) Begin(id string, m system.Media, e system.Extent) (*system.Beginning, error) {
	return k.Start(id, m, e, k.Decode)
}

// edge bounds the grid of a surface, as upstream's: it begins at -edge and ends a step before
// edge.
const edge = 0.9

// contour returns the surface of a field.
func (c Config) contour(f *dual.Field) (*mesh.Mesh, error) {
	g := surface.Grid{N: c.Resolution, Low: mesh.Vec3{-edge, -edge, -edge}, Step: 2 * edge / float64(c.Resolution)}
	var err error
	if g.Values, err = f.Sample(g.Low, g.Step, g.N); err != nil {
		return nil, err
	}
	if c.Faces == Triangles {
		return g.Triangles(c.Level)
	}
	return g.Quads(c.Level, func(p mesh.Vec3) mesh.Vec3 {
		_, slope := f.Slope(p)
		return slope
	})
}
