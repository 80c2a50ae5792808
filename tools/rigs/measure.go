package main

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/mesh/rig"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
	"github.com/morton-gen/morton/models/tokenizer/rigs"
)

// near is how far apart a joint and the true one may be to count as found, in the longest side.
const near = 0.05

// measure prints by source how far the skeletons of a model are from the true ones, beside three
// baselines. Two are training rigs, stretched to the box of the points: one drawn at random, and the
// one whose points are nearest. The third is as many clusters of the points as there are true joints,
// joined by the shortest tree. It alone is told the number of joints. Lengths are in the longest side.
func measure(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("rigs measure", flag.ContinueOnError)
	folder := f.String("model", "", "`folder` of the model; empty measures the baselines alone")
	train := f.String("train", "", "`shard` that the model was trained on; empty leaves out the baselines that are its rigs")
	heldout := f.String("heldout", "", "`shard` to measure on")
	most := f.Int("most", 0, "samples of a source at most; 0 is all")
	heat := f.Float64("temperature", -1, "of the diffusion; below 0 is the model's own")
	seed := f.Uint64("seed", 1, "decides what is drawn")
	if err := f.Parse(args); err != nil {
		return err
	}
	held, err := readRigs(*heldout)
	if err != nil {
		return err
	}
	var methods []method
	if *train != "" {
		known, err := readRigs(*train)
		if err != nil {
			return err
		}
		methods = append(methods,
			method{"random", func(s *sampleRig) (*sampleRig, error) { return stretched(anyOf(s, known, *seed), s), nil }},
			method{"nearest", func(s *sampleRig) (*sampleRig, error) { return stretched(nearest(s, known), s), nil }})
	}
	methods = append(methods, method{"clusters", func(s *sampleRig) (*sampleRig, error) { return clustered(s), nil }})
	if *folder != "" {
		dev, err := gpu.Open(gpu.Options{})
		if err != nil {
			return err
		}
		defer dev.Close()
		m, err := models.Open(dev, system.Rig, *folder, models.Options{Slots: 20})
		if err != nil {
			return err
		}
		defer m.Close()
		methods = append(methods, method{"model", func(s *sampleRig) (*sampleRig, error) { return drawn(ctx, m, s, *heat, *seed) }})
	}
	return compareAll(held, methods, *most, out)
}

// sampleRig is a rig of a sample, at points of a surface.
type sampleRig struct {
	id      string
	joints  []rig.Joint
	points  []mesh.Vec3
	weights []rig.Influences
	mesh    *mesh.Mesh // of small triangles at the points
	side    float64    // the longest
}

// newSampleRig reads a sample that the tokenizer has decoded: three vertices a point.
func newSampleRig(id string, r *rig.Rig) *sampleRig {
	s := &sampleRig{id: id, joints: r.Joints, mesh: r.Mesh}
	for v := 0; v < len(r.Mesh.Vertices); v += 3 {
		p := r.Mesh.Vertices
		s.points, s.weights = append(s.points, p[v].Add(p[v+1]).Add(p[v+2]).Scale(1.0/3)), append(s.weights, r.Weights[v])
	}
	lo, hi := mesh.Bounds(r.Mesh)
	s.side = max(hi[0]-lo[0], hi[1]-lo[1], hi[2]-lo[2])
	return s
}

// readRigs reads the rigs of a shard.
func readRigs(path string) (all []*sampleRig, err error) {
	r, err := shard.Open(path, shard.Limits{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for i := range r.Len() {
		s, err := r.At(i)
		if err != nil {
			return nil, err
		}
		if len(s.Grid) != 2 {
			return nil, fmt.Errorf("%w: %s is no rig", errFlags, s.ID)
		}
		points, joints := int(s.Grid[0]), max(int(s.Grid[1]), 2)
		t := rigs.Tokenizer{Config: rigs.Config{Points: points, Joints: joints}, Order: order.Rig{Points: points, Joints: joints, Skins: 1}}
		m, _, err := t.Decode(s)
		if err != nil {
			return nil, err
		}
		all = append(all, newSampleRig(s.ID, m.Rig))
	}
	return all, nil
}

// method makes a skeleton for the points of a sample.
type method struct {
	name string
	make func(s *sampleRig) (*sampleRig, error)
}

// scores are means over samples.
type scores struct {
	n                                  int
	joints, iou, recall, parents, skin float64
	precision, count, wanted, off      float64
}

func (s *scores) add(d rig.Difference, got, want *sampleRig) {
	s.n++
	s.joints += d.Joints / want.side
	s.iou, s.precision, s.recall, s.parents = s.iou+d.IoU, s.precision+d.Precision, s.recall+d.Recall, s.parents+d.Parents
	s.count, s.wanted = s.count+float64(len(got.joints)), s.wanted+float64(len(want.joints))
	s.off += math.Abs(float64(len(got.joints) - len(want.joints)))
	s.skin += pulled(got, want)
}

// pulled is the mean distance between what two rigs make of the points: the mean place of a
// point's joints, by its weights.
func pulled(got, want *sampleRig) (sum float64) {
	at := func(s *sampleRig, w rig.Influences) (p mesh.Vec3) {
		for _, x := range w {
			p = p.Add(s.joints[x.Joint].At.Scale(x.Weight))
		}
		return p
	}
	spread := rig.Spread(&mesh.Mesh{Vertices: want.points}, got.points, got.weights)
	for i, w := range want.weights {
		sum += at(got, spread[i]).Sub(at(want, w)).Len() / want.side / float64(len(want.weights))
	}
	return sum
}

func compareAll(held []*sampleRig, methods []method, most int, out io.Writer) error {
	fmt.Fprintf(out, "%-42s %-9s %4s %7s %7s %7s %7s %7s %7s %5s\n", "source", "method", "n", "CD-J2J", "IoU", "recall", "parents", "skin", "joints", "off")
	total := make([]scores, len(methods))
	for begin, next := 0, 0; begin < len(held); begin = next {
		for next = begin; next < len(held) && sourceOf(held[next].id) == sourceOf(held[begin].id); {
			next++
		}
		end := next
		if most > 0 {
			end = min(next, begin+most)
		}
		for i, m := range methods {
			made := make([]*sampleRig, end-begin)
			var all errgroup.Group // a model draws several at once
			for k, want := range held[begin:end] {
				all.Go(func() (err error) {
					if made[k], err = m.make(want); err != nil {
						return fmt.Errorf("%s: %w", want.id, err)
					}
					return nil
				})
			}
			if err := all.Wait(); err != nil {
				return err
			}
			var own scores
			for k, want := range held[begin:end] {
				got := made[k]
				d := rig.Compare(got.joints, want.joints, near*want.side)
				own.add(d, got, want)
				total[i].add(d, got, want)
			}
			own.print(out, sourceOf(held[begin].id), m.name)
		}
	}
	for i, m := range methods {
		total[i].print(out, "all", m.name)
	}
	return nil
}

func (s *scores) print(out io.Writer, source, name string) {
	n := float64(max(s.n, 1))
	fmt.Fprintf(out, "%-42s %-9s %4d %7.4f %7.3f %7.3f %7.3f %7.4f %3.0f/%-3.0f %5.1f\n", source, name, s.n, s.joints/n, s.iou/n, s.recall/n, s.parents/n, s.skin/n, s.count/n, s.wanted/n, s.off/n)
}

// sourceOf is an id without the number of the sample.
func sourceOf(id string) string { return id[:max(strings.LastIndex(id, "-"), 0)] }

// drawn has a model draw a skeleton for the points of a sample.
func drawn(ctx context.Context, m *models.Model, s *sampleRig, heat float64, seed uint64) (*sampleRig, error) {
	r := models.Request{ID: s.id, Seed: seed, Source: system.Media{Mesh: s.mesh}}
	if heat >= 0 {
		r.Sampling = &models.Sampling{Temperature: heat, TopP: 1}
	}
	got, err := m.Generate(ctx, r)
	if err != nil {
		return nil, err
	}
	return newSampleRig(s.id, got.Media.Rig), nil
}

// nearest returns the known rig whose points are nearest: both are in a box around the origin.
func nearest(s *sampleRig, known []*sampleRig) *sampleRig {
	best, least := known[0], math.Inf(1)
	for _, k := range known {
		d := apart(s.points, k.points, least)
		if d < least {
			d += apart(k.points, s.points, least-d)
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// anyOf returns one of the known rigs, which the seed and the id of the sample decide.
func anyOf(s *sampleRig, known []*sampleRig, seed uint64) *sampleRig {
	h := fnv.New64a()
	h.Write([]byte(s.id))
	return known[rand.New(rand.NewPCG(h.Sum64(), seed)).IntN(len(known))]
}

// stretched returns a rig whose points have the box of another's.
func stretched(r, to *sampleRig) *sampleRig {
	lo, hi := mesh.Bounds(&mesh.Mesh{Vertices: r.points})
	low, high := mesh.Bounds(&mesh.Mesh{Vertices: to.points})
	move := func(p mesh.Vec3) mesh.Vec3 {
		for i := range p {
			by := 1.0
			if hi[i] > lo[i] {
				by = (high[i] - low[i]) / (hi[i] - lo[i])
			}
			p[i] = (low[i]+high[i])/2 + (p[i]-(lo[i]+hi[i])/2)*by
		}
		return p
	}
	out := &sampleRig{id: to.id, joints: slices.Clone(r.joints), weights: r.weights, mesh: to.mesh, side: to.side}
	for i := range out.joints {
		out.joints[i].At = move(out.joints[i].At)
	}
	for _, p := range r.points {
		out.points = append(out.points, move(p))
	}
	return out
}

// apart is the mean distance of every sixth point to the nearest of others. It may end early beyond
// a limit.
func apart(a, b []mesh.Vec3, limit float64) (sum float64) {
	n := float64((len(a) + 5) / 6)
	for i := 0; i < len(a); i += 6 {
		least := math.Inf(1)
		for _, q := range b {
			d := a[i].Sub(q)
			least = min(least, d.Dot(d))
		}
		if sum += math.Sqrt(least) / n; sum > limit {
			return sum
		}
	}
	return sum
}

// clustered returns as many clusters of the points as the sample has joints, by 20 rounds of Lloyd's
// from points that are far from each other, and the shortest tree, whose root is next to the middle.
// Each point follows its cluster.
func clustered(s *sampleRig) *sampleRig {
	centres := farthest(s.points, len(s.joints))
	of := make([]int, len(s.points))
	for range 20 {
		sum, n := make([]mesh.Vec3, len(centres)), make([]float64, len(centres))
		for i, p := range s.points {
			of[i] = closest(p, centres)
			sum[of[i]], n[of[i]] = sum[of[i]].Add(p), n[of[i]]+1
		}
		for c := range centres {
			if n[c] > 0 {
				centres[c] = sum[c].Scale(1 / n[c])
			}
		}
	}
	out := &sampleRig{id: s.id, points: s.points, mesh: s.mesh, side: s.side}
	to := make([]int, len(centres)) // the joint of a cluster
	left := make([]bool, len(centres))
	for c := range left {
		left[c] = true
	}
	next, parent := closest(mesh.Vec3{}, centres), rig.NoParent
	for range centres {
		to[next], left[next] = len(out.joints), false
		out.joints = append(out.joints, rig.Joint{At: centres[next], Parent: parent})
		least := math.Inf(1)
		for c := range centres {
			for j, x := range out.joints {
				if d := centres[c].Sub(x.At).Len(); left[c] && d < least {
					least, next, parent = d, c, j
				}
			}
		}
	}
	for _, c := range of {
		out.weights = append(out.weights, rig.NewInfluences(rig.Influence{Joint: to[c], Weight: 1}))
	}
	return out
}

// farthest returns n points, each as far as possible from those before it.
func farthest(points []mesh.Vec3, n int) []mesh.Vec3 {
	out := []mesh.Vec3{points[0]}
	for len(out) < n {
		out = append(out, slices.MaxFunc(points, func(a, b mesh.Vec3) int {
			d, e := a.Sub(out[closest(a, out)]).Len(), b.Sub(out[closest(b, out)]).Len()
			switch {
			case d < e:
				return -1
			case d > e:
				return 1
			}
			return 0
		}))
	}
	return out
}

// closest is the number of the nearest of some points.
func closest(p mesh.Vec3, all []mesh.Vec3) (best int) {
	least := math.Inf(1)
	for i, q := range all {
		if d := p.Sub(q); d.Dot(d) < least {
			best, least = i, d.Dot(d)
		}
	}
	return best
}
