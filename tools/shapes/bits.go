package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"path/filepath"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/tokenizer/octree"
	"github.com/morton-gen/morton/models/train"
)

// measureBits compares an octree model with two tables, in bits a node of held-out shapes.
// The tables are counted on the training shards.
func measureBits(ctx context.Context, args []string, out io.Writer) error {
	var model, tokens, heldout, device string
	var samples int
	f := flag.NewFlagSet("shapes bits", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&model, "model", "models/shipped/octree", "`folder` of the model")
	f.StringVar(&tokens, "tokens", "", "`folder` of the shards that it was trained on")
	f.StringVar(&heldout, "heldout", "", "`folder` of shards that training never saw")
	f.StringVar(&device, "device", "auto", "Vulkan device")
	f.IntVar(&samples, "samples", 64, "held-out samples, spread over the shards")
	if err := f.Parse(args); err != nil {
		return err
	}
	byDepth, byParent := counts[int]{}, counts[[3]int]{}
	if err := each(tokens, func(s shard.Sample) error {
		return nodes(s, func(n node) { byDepth.add(n.depth, n.token); byParent.add(n.context, n.token) })
	}); err != nil {
		return err
	}
	var held []shard.Sample
	if err := each(heldout, func(s shard.Sample) error { held = append(held, s); return nil }); err != nil {
		return err
	}
	for i := range min(samples, len(held)) {
		held[i] = held[i*len(held)/min(samples, len(held))]
	}
	held = held[:min(samples, len(held))]
	dev, err := gpu.Open(gpu.Options{Device: device, Widest: true})
	if err != nil {
		return err
	}
	defer dev.Close()
	m, err := openScored(dev, model)
	if err != nil {
		return err
	}
	defer m.net.Free()
	rows := map[int]*[4]float64{} // nodes, and bits of the model and the tables
	leaves, leafBits := 0, 0.0
	for _, s := range held {
		if err := ctx.Err(); err != nil {
			return err
		}
		nats, err := m.score(s)
		if err != nil {
			return err
		}
		at := 0
		if err := nodes(s, func(n node) {
			for _, d := range []int{n.depth, all} {
				if rows[d] == nil {
					rows[d] = new([4]float64)
				}
				for i, x := range []float64{1, nats[at] / math.Ln2, byDepth.bits(n.depth, n.token), byParent.bits(n.context, n.token)} {
					rows[d][i] += x
				}
			}
			at++
		}); err != nil {
			return err
		}
		for ; at < len(nats); at++ {
			leaves, leafBits = leaves+1, leafBits+nats[at]/math.Ln2
		}
	}
	fmt.Fprintf(out, "%d shapes of %s; bits a node\nlevel   nodes   model   by depth   by parent   less than that\n", len(held), heldout)
	for d := range all + 1 {
		if x := rows[d]; x != nil {
			name := fmt.Sprint(d)
			if d == all {
				name = "all"
			}
			fmt.Fprintf(out, "%5s  %6.0f  %6.3f     %6.3f      %6.3f           %3.0f%%\n", name, x[0], x[1]/x[0], x[2]/x[0], x[3]/x[0], 100*(1-x[1]/x[3]))
		}
	}
	fmt.Fprintf(out, " leaf  %6d  %6.3f\n", leaves, leafBits/float64(max(leaves, 1)))
	return nil
}

const all = 99 // levels together

// node is an occupancy byte of a sample.
type node struct {
	depth   int
	context [3]int // depth, the parent's byte, and which child this is
	token   byte
}

// nodes calls visit for the occupancy bytes of a sample, in order.
func nodes(s shard.Sample, visit func(node)) error {
	o, _, err := octree.Parse(s)
	if err != nil {
		return err
	}
	var parents []byte
	for d := range o.Depth {
		bytes, above := o.Occupancy(d), o.ParentRows(d)
		for i, key := range o.Keys(d) {
			n := node{depth: d, context: [3]int{d, 0, 0}, token: bytes[i]}
			if d > 0 {
				n.context = [3]int{d, int(parents[above[i]]), key.ChildIndex()}
			}
			visit(n)
		}
		parents = bytes
	}
	return nil
}

// counts are histograms of a node's byte by what is known before.
type counts[K comparable] map[K]*[256]float64

func (c counts[K]) add(k K, token byte) {
	if c[k] == nil {
		c[k] = new([256]float64)
	}
	c[k][token]++
}

// bits is the price of a byte. Half a count is added to each of the 255 bytes that there are.
func (c counts[K]) bits(k K, token byte) float64 {
	h, sum := c[k], 0.0
	if h == nil {
		return math.Log2(255)
	}
	for _, n := range h {
		sum += n
	}
	return -math.Log2((h[token] + 0.5) / (sum + 0.5*255))
}

// each calls visit for every sample of a folder's shards.
func each(folder string, visit func(shard.Sample) error) error {
	paths, err := filepath.Glob(filepath.Join(folder, "*.parquet"))
	if err != nil || len(paths) == 0 {
		return fmt.Errorf("%w: no shards in %q", errFlags, folder)
	}
	for _, path := range paths {
		samples, err := shard.ReadAll(path, shard.Limits{})
		if err != nil {
			return err
		}
		for _, s := range samples {
			if err := visit(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// scored is a model that says how likely tokens are.
type scored struct {
	net *train.Network
	n   int // positions that it sees
}

func openScored(dev *gpu.Device, dir string) (*scored, error) {
	c, err := models.ReadConfig(dir, "")
	if err != nil {
		return nil, err
	}
	sys, err := c.System()
	if err != nil {
		return nil, err
	}
	w, err := safetensors.Open(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		return nil, err
	}
	defer w.Close()
	m := &scored{n: sys.Window()}
	if m.net, err = train.NewNetwork(dev, sys, 1, m.n, train.NetworkOptions{}); err != nil {
		return nil, err
	}
	return m, m.net.Store().Load(w, false)
}

// score returns the nats of each position, of all its sub-tokens. Windows overlap by half, so
// that every position but the first ones sees half a context.
func (m *scored) score(s shard.Sample) ([]float64, error) {
	sys := m.net.System()
	p, tokens, err := sys.Flatten(s)
	if err != nil {
		return nil, err
	}
	schedule, err := sys.Schedule(p)
	if err != nil {
		return nil, err
	}
	q, err := train.Join(sys, schedule, tokens)
	if err != nil {
		return nil, err
	}
	rows, words := make([]float64, 0, q.N), sys.Token.Words()
	for from := 0; len(rows) < q.N; from += m.n / 2 {
		w := train.Window{Seq: q, From: from, To: min(from+m.n, q.N)}
		if _, err := m.net.SetBatch([]train.Window{w}); err != nil {
			return nil, err
		}
		if _, err := m.net.Forward(); err != nil {
			return nil, err
		}
		losses, err := m.net.TokenLosses()
		if err != nil {
			return nil, err
		}
		for i := len(rows); i < w.To; i++ {
			sum := 0.0
			for _, x := range losses[(i-from)*words:][:words] {
				sum += float64(x)
			}
			rows = append(rows, sum)
		}
	}
	out := make([]float64, q.N)
	for i, at := range q.Draws.At {
		out[at] = rows[q.Draws.From[i]]
	}
	return out, nil
}
