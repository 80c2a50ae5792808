package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/gltf"
	"github.com/morton-gen/morton/mesh/rig"
	"github.com/morton-gen/morton/models/tokenizer/rigs"
	"github.com/morton-gen/morton/tools/corpus/armature"
)

// makeRigs writes shards of rigs to train on and not, and sources of the latter as skinned GLB
// files. Each source gives many samples: its joints are turned, it is stretched and turned as a
// whole, and siblings are shuffled.
func makeRigs(ctx context.Context, args []string, out io.Writer) error {
	c := &rigCorpus{out: out, ctx: ctx}
	flags := flag.NewFlagSet("corpus rigs", flag.ContinueOnError)
	flags.StringVar(&c.robots, "robots", "", "`folder` robots of the wheel of example-robot-data")
	flags.StringVar(&c.animals, "animals", "", "`folder` dm_control/locomotion/walkers/assets of the wheel of dm-control")
	flags.StringVar(&c.folder, "out", "corpus/rigs", "`folder` to write to")
	flags.IntVar(&c.variants, "variants", 60, "samples of a robot or an animal")
	flags.IntVar(&c.creatures, "creatures", 400, "samples of a family of creatures")
	flags.IntVar(&c.Points, "points", 256, "points of a surface")
	flags.IntVar(&c.Joints, "joints", 64, "joints of a rig at most")
	flags.Float64Var(&c.apart, "apart", 0.03, "joints within this share of the longest side from their parent are merged with it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := prepare(c.folder); err != nil {
		return err
	}
	return c.write()
}

// rigCorpus is a corpus on its way.
type rigCorpus struct {
	rigs.Config
	ctx                     context.Context
	out                     io.Writer
	robots, animals, folder string
	variants, creatures     int
	apart                   float64

	shards      [len(rigSides)]*shard.Writer
	attribution strings.Builder
	count       [len(rigSides)]int
}

// rigSides are the folders of a corpus: rigs to train on, kinds that are held out, and other
// individuals of families that are trained on.
var rigSides = [...]string{trainFolder, heldOutFolder, "known"}

const (
	sideTrain = iota
	sideHeldOut
	sideKnown
)

// heldOutRobots are whole descriptions that nothing is trained on. The dog is the held-out animal.
var heldOutRobots = []string{"g1_description", "solo_description", "so_arm_description"}

// freeLicences are those of robots that are taken, as their README.md names them.
var freeLicences = []string{"BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC", "MIT", "CC0-1.0", "CC-BY-4.0"}

func (c *rigCorpus) write() (err error) {
	c.attribution.WriteString("sample\tsource\tlicence\tjoints\tmerged\tsamples\tsplit\n")
	for i, side := range rigSides {
		if err := os.MkdirAll(filepath.Join(c.folder, side), 0o755); err != nil {
			return err
		}
		if c.shards[i], err = shard.Create(filepath.Join(c.folder, side, "rigs.parquet")); err != nil {
			return err
		}
		defer c.shards[i].Abort()
	}
	if err := c.writeRobots(); err != nil {
		return err
	}
	if err := c.writeAnimals(); err != nil {
		return err
	}
	for _, f := range armature.Creatures {
		if err := c.family(f); err != nil {
			return err
		}
	}
	for _, s := range c.shards {
		if err := s.Close(); err != nil {
			return err
		}
	}
	fmt.Fprintf(c.out, "%d samples to train on, %d held out, %d of known families\n", c.count[sideTrain], c.count[sideHeldOut], c.count[sideKnown])
	return os.WriteFile(filepath.Join(c.folder, attributionFile), []byte(c.attribution.String()), 0o644)
}

// writeRobots takes up to two descriptions of each folder whose licence is free.
func (c *rigCorpus) writeRobots() error {
	if c.robots == "" {
		return nil
	}
	folders, err := os.ReadDir(c.robots)
	if err != nil {
		return err
	}
	for _, f := range folders {
		licence := licenceOf(filepath.Join(c.robots, f.Name(), "README.md"))
		if !slices.Contains(freeLicences, licence) {
			fmt.Fprintf(c.out, "%s: licence %q is not taken\n", f.Name(), licence)
			continue
		}
		files, err := filepath.Glob(filepath.Join(c.robots, f.Name(), "*", "*.urdf"))
		if err != nil {
			return err
		}
		taken := 0
		for _, path := range files {
			r, err := armature.ReadURDF(path, c.robots)
			if err != nil {
				fmt.Fprintf(c.out, "passed over: %v\n", err)
				continue
			}
			if len(r.Joints) < fewestJoints || r.Mesh.NumFaces() == 0 {
				fmt.Fprintf(c.out, "passed over: %s: %d joints, %d faces\n", path, len(r.Joints), r.Mesh.NumFaces())
				continue
			}
			id := strings.TrimSuffix(filepath.Base(path), ".urdf")
			if err := c.source(f.Name()+"_"+id, "example-robot-data 6.0.0, "+f.Name(), licence, r, slices.Contains(heldOutRobots, f.Name())); err != nil {
				return err
			}
			if taken++; taken == 2 {
				break
			}
		}
	}
	return nil
}

// fewestJoints is how many joints a robot has at least.
const fewestJoints = 3

// licenceOf returns what a file says behind "license:", "" if it says nothing.
func licenceOf(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.EqualFold(strings.TrimSpace(key), "license") {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (c *rigCorpus) writeAnimals() error {
	if c.animals == "" {
		return nil
	}
	for _, a := range []struct {
		name, skin, model string
		heldOut           bool
	}{{"rodent", "rodent_walker_skin.skn", "rodent.xml", false}, {"dog", "dog_v2/dog_skin.skn", "dog_v2/dog.xml", true}} {
		r, err := armature.ReadSkin(filepath.Join(c.animals, a.skin), filepath.Join(c.animals, a.model))
		if err != nil {
			return err
		}
		if err := c.source(a.name, "dm-control 1.0.50, "+a.skin, "Apache-2.0", r, a.heldOut); err != nil {
			return err
		}
	}
	return nil
}

// family writes creatures of a family, each of its own shape. Behind those to train on come some that nothing is
// trained on.
func (c *rigCorpus) family(f armature.Creature) error {
	some, n := max(c.creatures/20, 1), c.creatures*f.Times
	if f.HeldOut {
		return c.individuals(f, sideHeldOut, 0, some)
	}
	return errors.Join(c.individuals(f, sideTrain, 0, n), c.individuals(f, sideKnown, n, n+max(some/4, 1)))
}

func (c *rigCorpus) individuals(f armature.Creature, side, from, to int) error {
	joints, merged := 0, 0
	for i := from; i < to; i++ {
		r := randomFor(fmt.Sprint(f.Name, i))
		made := f.Make(r)
		if i == from && side != sideTrain {
			if err := c.show(f.Name, made, side); err != nil {
				return err
			}
		}
		m, err := c.sample(fmt.Sprintf("%s-%04d", f.Name, i), made, r, side, true)
		if err != nil {
			return err
		}
		joints, merged = max(joints, len(made.Joints)), max(merged, m)
	}
	c.row(f.Name, "made by tools/corpus/armature", "this repository's", joints, merged, to-from, side)
	return nil
}

// source writes the samples of one rig: as it is, and varied.
func (c *rigCorpus) source(id, from, licence string, r *rig.Rig, heldOut bool) error {
	side, n := sideTrain, c.variants
	if heldOut {
		side, n = sideHeldOut, max(c.variants/10, 1)
		if err := c.show(id, r, side); err != nil {
			return err
		}
	}
	small := thinned(r)
	merged := 0
	for i := range n {
		m, err := c.sample(fmt.Sprintf("%s-%03d", id, i), small, randomFor(fmt.Sprint(id, i)), side, i > 0)
		if err != nil {
			fmt.Fprintf(c.out, "passed over: %s from sample %d on: %v\n", id, i, err)
			n = i
			break
		}
		merged = max(merged, m)
	}
	if n == 0 {
		return nil
	}
	c.row(id, from, licence, len(r.Joints), merged, n, side)
	return nil
}

func (c *rigCorpus) row(id, from, licence string, joints, merged, n, side int) {
	fmt.Fprintf(&c.attribution, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", id, from, licence, joints, merged, n, rigSides[side])
}

// show writes a source that nothing is trained on as a GLB.
func (c *rigCorpus) show(id string, r *rig.Rig, side int) error {
	return gltf.WriteRig(filepath.Join(c.folder, rigSides[side], id+".glb"), r, gltf.WriteOptions{})
}

// randomFor returns the random numbers of a name.
func randomFor(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(h.Sum64(), 0x72696773)) // "rigs"
}

// sample writes a rig, varied or as it is. It returns the number of joints that are left.
func (c *rigCorpus) sample(id string, r *rig.Rig, random *rand.Rand, side int, vary bool) (joints int, err error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	if vary {
		if r, err = varied(r, random); err != nil {
			return 0, err
		}
	}
	n, _, err := rigs.Normalize(r)
	if err != nil {
		return 0, err
	}
	lo, hi := mesh.Bounds(n.Mesh)
	n = n.Merged(c.apart * max(hi[0]-lo[0], hi[1]-lo[1], hi[2]-lo[2])).BreadthFirst(func(siblings []int) {
		random.Shuffle(len(siblings), func(i, j int) { siblings[i], siblings[j] = siblings[j], siblings[i] })
	})
	s, err := c.Tokenize(id, n, random.Uint64())
	if err != nil {
		return 0, err
	}
	c.count[side]++
	return len(n.Joints), c.shards[side].Write(s)
}

// varied turns every joint a little, and turns, stretches and maybe mirrors the whole.
func varied(r *rig.Rig, random *rand.Rand) (*rig.Rig, error) {
	turns, spread := make([]rig.Turn, len(r.Joints)), 0.35*random.Float64()
	for i := range turns[1:] {
		axis := mesh.Vec3{random.NormFloat64(), random.NormFloat64(), random.NormFloat64()}
		turns[i+1] = rig.Turn{Axis: axis, Radians: spread * random.NormFloat64()}
	}
	p, err := r.Pose(turns)
	if err != nil {
		return nil, err
	}
	out := &rig.Rig{Mesh: p.Mesh, Joints: slices.Clone(r.Joints), Weights: r.Weights}
	for i, at := range p.Joints {
		out.Joints[i].At = at
	}
	sin, cos := math.Sincos(2 * math.Pi * random.Float64())
	stretch := func() float64 { return math.Exp(0.15 * random.NormFloat64()) }
	x, y, z := stretch(), stretch(), stretch()
	if random.IntN(2) == 0 {
		x = -x
	}
	return out.Transformed(mesh.Matrix{0: cos * x, 2: -sin * x, 5: y, 8: sin * z, 10: cos * z, 15: 1}), nil
}

// Large surfaces are replaced by so many small triangles, since every sample moves all vertices.
const (
	manyVertices = 12_000
	thinPoints   = 3000
)

// thinned returns a rig of small triangles on the surface of a large one, and a small one as it is.
func thinned(r *rig.Rig) *rig.Rig {
	if len(r.Mesh.Vertices) <= manyVertices {
		return r
	}
	lo, hi := mesh.Bounds(r.Mesh)
	size := 0.003 * hi.Sub(lo).Len()
	points, normals, faces := mesh.SampleSurface(r.Mesh, thinPoints, 1)
	out := &rig.Rig{Mesh: &mesh.Mesh{}, Joints: r.Joints}
	for i, p := range points {
		u := normals[i].Cross(mesh.Vec3{0.36, 0.48, 0.8}).Unit().Scale(size)
		v := normals[i].Cross(u)
		first := int32(len(out.Mesh.Vertices))
		for _, q := range []mesh.Vec3{p.Add(u), p.Add(v), p.Sub(u).Sub(v)} {
			out.Mesh.AddVertex(q)
			out.Weights = append(out.Weights, r.Weights[r.Mesh.Face(int(faces[i]))[0]])
		}
		_ = out.Mesh.AddFace(first, first+1, first+2) // of its own vertices
	}
	return out
}
