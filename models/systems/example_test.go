package systems_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"

	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/engine"
	"github.com/morton-gen/morton/models/head"
	"github.com/morton-gen/morton/models/input"
	"github.com/morton-gen/morton/models/nn"
	"github.com/morton-gen/morton/models/order"
	"github.com/morton-gen/morton/models/system"
)

// The toy draws pictures of 8 by 8 cells in two colours, coarse to fine.
const (
	side    = 8
	cells   = side * side
	classes = 2
	colours = 2 // token 0 is paper, token 1 is ink
)

func init() {
	system.Register(system.Published{
		Name: "quarters", Title: "Quarters, a toy", Kind: "image", Tensors: []string{"class.weight", "quarter.weight", "colour.weight"}, Open: openQuarters,
	})
}

// openQuarters puts the parts together. A checkpoint has no sizes to choose from, so
// the description is not read.
func openQuarters(json.RawMessage, nn.Weights) (*system.System, error) {
	p := nn.NewParams()
	table := p.Table(width, nn.Init{}, nn.Part{Name: "class.weight", Rows: classes}, nn.Part{Name: "quarter.weight", Rows: 4},
		nn.Part{Name: "colour.weight", Rows: colours}, nn.Part{Rows: 1}) // the last row stands for no token
	b := &nn.Block{Name: "block", Attention: p.Attention(nn.Attention{Heads: 1, HeadDim: width})}
	b.QKV = p.Matrix(3*width, width, nn.Init{}, "qkv.weight").After(p.RMS(width, 1e-6, "norm1.weight"))
	b.Out = p.Matrix(width, width, nn.Init{}, "out.weight")
	b.GateUp = p.Matrix(2*hidden, width, nn.Init{}, "gate_up.weight").After(p.RMS(width, 1e-6, "norm2.weight"))
	b.Down = p.Matrix(width, hidden, nn.Init{}, "down.weight")
	logits := p.Matrix(colours, width, nn.Init{}, "head.weight").After(p.RMS(width, 1e-6, "norm3.weight"))
	return &system.System{
		Name: "quarters", Params: p.List(), Grid: [3]int{1, side, side},
		Token:    system.Token{Sub: 1, Values: colours},
		Layout:   system.Layout{Fixed: 1, Inputs: 1, Base: classes + 4, Context: 1 + cells, Length: 1 + cells, Group: cells * 3 / 4},
		Input:    input.Embedding{Table: table},
		Trunk:    nn.Stack{b},
		Head:     head.Softmax{Linear: head.Linear{Out: logits}},
		Default:  system.Sampling{Temperature: 0},
		Schedule: coarseToFine,
	}, nil
}

// coarseToFine predicts the upper left cell first. Then each level halves the distance
// of the known cells. All new cells of a level are predicted at once.
func coarseToFine(p system.Prompt) (system.Schedule, error) {
	if p.Class < 0 || p.Class >= classes {
		return nil, fmt.Errorf("quarters: %w: class %d of %d", system.ErrPrompt, p.Class, classes)
	}
	first := system.Run{Group: 1, GroupTargets: 1, Targets: system.Targets{N: 1, At: []int32{0}}}
	first.Rows = system.Rows{N: 1, Fixed: []int32{int32(p.Class)}, Inputs: []int32{system.Nothing}, KVLen: []int32{1}}
	runs, seen := []system.Run{first}, 1
	for step := side / 2; step > 0; step /= 2 {
		level := finer(step)
		seen += level.N
		for range level.N {
			level.KVLen = append(level.KVLen, int32(seen))
		}
		runs = append(runs, level)
	}
	return order.Fixed(runs...), nil
}

// finer is the level whose cells lie step apart. A row stands for one new cell. It is
// fed the colour of the cell that stood for four until now.
func finer(step int) (r system.Run) {
	for y := 0; y < side; y += step {
		for x := 0; x < side; x += step {
			quarter := y/step%2*2 + x/step%2
			if quarter == 0 {
				continue // known since the level before
			}
			parent := y/(2*step)*2*step*side + x/(2*step)*2*step
			r.N++
			r.Fixed = append(r.Fixed, int32(classes+quarter))
			r.Inputs = append(r.Inputs, int32(parent))
			r.Targets.At = append(r.Targets.At, int32(y*side+x))
		}
	}
	r.Group, r.GroupTargets, r.Targets.N = r.N, r.N, r.N
	return r
}

// The columns of a hidden state. Each has a meaning, since a person set these weights.
const (
	paper  = iota // the parent is paper
	ink           // the parent is ink
	corner        // the cell is the lower right quarter of its parent
	one           // the row is a cell's
	prompt        // the row is the class's
	flips         // the class is 1: corners flip; of the class's row only
	heard         // the same, as attention brings it to a cell's row
	spare
	width

	hidden = 4 // of the gated layer; two units are used
)

// entries are the weights of a matrix that are not 0, by row and column.
type entries map[[2]int]float32

// byHand are all tensors but the norms. Nobody trained them. The network computes this
// rule: a cell has its parent's colour. The lower right quarter is paper with class 0,
// and the other colour with class 1.
func byHand() []safetensors.NamedTensor {
	const query, key, value = 0, width, 2 * width // the rows of qkv.weight
	const gate, up = 0, hidden                    // the rows of gate_up.weight
	return []safetensors.NamedTensor{
		matrix("class.weight", classes, width, entries{{0, prompt}: 1, {1, prompt}: 1, {1, flips}: 1}),
		matrix("quarter.weight", 4, width, entries{{0, one}: 1, {1, one}: 1, {2, one}: 1, {3, one}: 1, {3, corner}: 1}),
		matrix("colour.weight", colours, width, entries{{0, paper}: 1, {1, ink}: 1}),
		// Every cell looks for the class's row, and copies from it whether corners flip.
		matrix("qkv.weight", 3*width, width, entries{{query, one}: 8, {key, prompt}: 8, {value, flips}: 1}),
		matrix("out.weight", width, width, entries{{heard, 0}: 1}),
		// A gated unit is an "and". Unit 0 is ink in a corner, unit 1 paper in one that flips.
		matrix("gate_up.weight", 2*hidden, width, entries{
			{gate + 0, ink}: 10, {gate + 0, corner}: 10, {gate + 0, one}: -15, {up + 0, one}: 1,
			{gate + 1, heard}: 5, {gate + 1, corner}: 10, {gate + 1, one}: -15, {up + 1, paper}: 1,
		}),
		matrix("down.weight", width, hidden, entries{{ink, 0}: -1, {paper, 0}: 1, {ink, 1}: 1, {paper, 1}: -1}),
		matrix("head.weight", colours, width, entries{{0, paper}: 1, {1, ink}: 1, {1, prompt}: 1}),
	}
}

func matrix(name string, rows, cols int, set entries) safetensors.NamedTensor {
	x := make([]float32, rows*cols)
	for at, v := range set {
		x[at[0]*cols+at[1]] = v
	}
	return named(name, x, rows, cols)
}

func named(name string, x []float32, shape ...int) safetensors.NamedTensor {
	t, err := safetensors.FromFloat32s(name, safetensors.F32, shape, x)
	if err != nil {
		log.Fatal(err)
	}
	return t
}

// save writes the checkpoint.
func save(path string) error {
	all := byHand()
	for _, name := range []string{"norm1.weight", "norm2.weight", "norm3.weight"} {
		all = append(all, named(name, slices.Repeat([]float32{1}, width), width))
	}
	return safetensors.Write(path, all, nil)
}

// A system of one file is registered. Its checkpoint is recognised by its names, and the
// engine draws two pictures with it. docs/tutorial/new-system.md explains every part.
func Example() {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("quarters-%d.safetensors", os.Getpid()))
	if err := save(path); err != nil {
		log.Fatal(err)
	}
	defer os.Remove(path)
	file, err := safetensors.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	weights := nn.File(file)
	found, err := system.Detect(weights)
	if err != nil {
		log.Fatal(err)
	}
	sys, err := found.Open(nil, weights)
	if err != nil {
		log.Fatal(err)
	}
	dev, err := gpu.Open(gpu.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer dev.Close()
	e, err := engine.New(dev, sys, weights, engine.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close()

	fmt.Printf("%s: %d cells in %d passes\n", found.Title, cells, countPasses(sys))
	var pictures [classes][]uint32
	for class := range pictures {
		result, err := e.Generate(context.Background(), engine.Request{
			ID: fmt.Sprint(class), Temperature: float32(sys.Default.Temperature), TopP: 1, End: -1,
			Schedule: func() (system.Schedule, error) { return sys.Schedule(system.Prompt{Class: class}) },
		})
		if err != nil {
			log.Fatal(err)
		}
		pictures[class] = result.Tokens
	}
	for y := range side {
		fmt.Println(line(pictures[0], y) + "   " + line(pictures[1], y))
	}
	// Output:
	// Quarters, a toy: 64 cells in 4 passes
	// ########   ########
	// #.#.#.#.   #.#.#.#.
	// ##..##..   ##..##..
	// #...#...   #..##..#
	// ####....   ####....
	// #.#.....   #.#..#.#
	// ##......   ##....##
	// #.......   #..#.##.
}

// line is a row of cells as text.
func line(picture []uint32, y int) (s string) {
	for _, colour := range picture[y*side : (y+1)*side] {
		s += []string{".", "#"}[colour]
	}
	return s
}

// countPasses counts the steps of a picture's schedule. It needs no device.
func countPasses(sys *system.System) (n int) {
	s, err := sys.Schedule(system.Prompt{})
	for err == nil {
		var r system.Run
		if r, err = s.Next(nil); err == nil {
			n += r.Steps()
		}
	}
	return n // the error is io.EOF
}
