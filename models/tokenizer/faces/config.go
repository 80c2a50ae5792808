package faces

import (
	"fmt"
	"math"
	"slices"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/internal/errkind"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models/nn"
)

// ErrSample reports tokens that are not a sample of this family.
var ErrSample = errkind.New("bad_sample", "not a quad sample")

const (
	pointLevels = 64 // of a condition point's coordinates
	normalSide  = 8  // octahedral normals are quantised to 8×8
)

// maxFaces bounds the faces a configuration may name.
const maxFaces = 1 << 20

// Config describes a model of this family.
type Config struct {
	Levels int `json:"levels"` // of a coordinate
	Points int `json:"points"` // of the condition
	// Faces is what three in four meshes of the training had at most; 0 if it is
	// not known.
	Faces int `json:"faces,omitempty"`
}

// Validate returns an error wrapping nn.ErrConfig, or nil.
func (c Config) Validate() error {
	if c.Levels < 2 || c.Levels > 1<<14 || c.Points < 1 || c.Points > 1<<14 || c.Faces < 0 || c.Faces > maxFaces {
		return fmt.Errorf("faces.Config: %w: levels %d, points %d, faces %d", nn.ErrConfig, c.Levels, c.Points, c.Faces)
	}
	return nil
}

// Sequence says how faces become tokens.
func (c Config) Sequence() sequence.Options {
	return sequence.Options{Levels: c.Levels, Tolerant: true}
}

// Normalize moves m into the box the tokens span, [-0.95, 0.95]³, and returns
// how to move a result back.
func Normalize(m *mesh.Mesh) (*mesh.Mesh, mesh.Transform, error) {
	out, _, back, err := mesh.Normalize(m, 0.95)
	return out, back, err
}

// Tokenize turns a normalised mesh into a sample. Grid is [points, face tokens,
// levels]; Tokens are the packed points, then the face sequence with its end
// token. The points are drawn with the given seed.
func (c Config) Tokenize(id string, m *mesh.Mesh, seed uint64) (shard.Sample, sequence.Report, error) {
	return c.tokenize(id, m, seed, sequence.Quads{Options: c.Sequence()})
}

// tokenize is [Config.Tokenize] in a coding.
func (c Config) tokenize(id string, m *mesh.Mesh, seed uint64, coding sequence.Coding) (shard.Sample, sequence.Report, error) {
	faces, report, err := coding.Encode(m)
	if err != nil {
		return shard.Sample{}, report, err
	}
	s := shard.Sample{ID: id, Kind: shard.KindQuad, Grid: []int32{int32(c.Points), int32(len(faces)), int32(c.Levels)}}
	s.Tokens, err = c.Condition(m, seed)
	for _, t := range faces {
		s.Tokens = append(s.Tokens, int64(t))
	}
	return s, report, err
}

// Condition samples a surface's points, area-uniformly, in the order of (z, x,
// y), packed one a token: 6 bits each of x, y, z and normal from the lowest.
func (c Config) Condition(m *mesh.Mesh, seed uint64) ([]int64, error) {
	points, normals, _ := mesh.SampleSurface(m, c.Points, seed)
	if len(points) != c.Points {
		return nil, fmt.Errorf("faces.Condition: %w: no surface to sample", mesh.ErrEmpty)
	}
	type key struct{ order, code int64 }
	keys := make([]key, len(points))
	for i, p := range points {
		x, y, z := quantize(p[0]), quantize(p[1]), quantize(p[2])
		keys[i] = key{z<<12 | x<<6 | y, x | y<<6 | z<<12 | normalCode(normals[i])<<18}
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.order != b.order {
			return int(a.order - b.order)
		}
		return int(a.code - b.code)
	})
	out := make([]int64, len(keys))
	for i, k := range keys {
		out[i] = k.code
	}
	return out, nil
}

func quantize(x float64) int64 {
	return int64(min(max(math.Floor((x+1)/2*pointLevels), 0), pointLevels-1))
}

// normalCode quantises a direction by its octahedral map to 8×8.
func normalCode(n mesh.Vec3) int64 {
	l := math.Abs(n[0]) + math.Abs(n[1]) + math.Abs(n[2])
	if l == 0 {
		return 0
	}
	u, v := n[0]/l, n[1]/l
	if n[2] < 0 {
		u, v = (1-math.Abs(v))*math.Copysign(1, u), (1-math.Abs(u))*math.Copysign(1, v)
	}
	q := func(x float64) int64 {
		return int64(min(max(math.Floor((x+1)/2*normalSide), 0), normalSide-1))
	}
	return q(u) | q(v)*normalSide
}
