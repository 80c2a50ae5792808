package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/mesh/obj"
	"github.com/morton-gen/morton/models"
	"github.com/morton-gen/morton/models/cube"
	"github.com/morton-gen/morton/models/quad"
	"github.com/morton-gen/morton/models/shape"
	"github.com/morton-gen/morton/models/train"
	"github.com/morton-gen/morton/models/transformer"
	"github.com/morton-gen/morton/octree"
)

var quadCfg = quad.Config{Levels: 128, Points: 128}
var cubeCfg = cube.Config{Size: 64, Cell: [3]int{4, 8, 8}, Group: [3]int{2, 2, 2}, Rate: [2]int{25, 1},
	Tokenizer: cube.Tokenizer{Bits: 96, Width: 192, Heads: 3, Hidden: 512, Encoder: 2, Decoder: 2, Window: 16, RopeTheta: 100}}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
func atoi(s string) int { n, err := strconv.Atoi(s); check(err); return n }

func main() {
	a := os.Args[1:]
	switch a[0] {
	case "tok":
		files, _ := filepath.Glob(a[2])
		sort.Strings(files)
		w, err := shard.Create(a[3])
		check(err)
		bad, n, toks := 0, 0, 0
		for i, f := range files {
			m, _, err := obj.ReadFile(f, obj.Limits{})
			if err != nil {
				bad++
				continue
			}
			id := filepath.Base(f)
			var s shard.Sample
			if a[1] == "quad" {
				m, _, err = quad.Normalize(m)
				if err == nil {
					s, _, err = quadCfg.Tokenize(id, m, uint64(i))
				}
				if err == nil && len(s.Tokens) > 128+12*300 {
					continue
				}
			} else {
				depth := atoi(a[4])
				s, _, err = shape.Tokenize(id, octree.Fit(m, 0.9).Mesh(m), depth)
			}
			if err != nil {
				bad++
				if bad < 5 {
					fmt.Println(f, err)
				}
				continue
			}
			check(w.Write(s))
			n++
			toks += len(s.Tokens)
		}
		check(w.Close())
		fmt.Println(a[3], n, "samples", toks, "tokens", bad, "bad")
	case "train":
		// train family out steps batch window width layers rate shards heldout [tokenizer]
		dev, err := gpu.Open(gpu.Options{})
		check(err)
		width := atoi(a[6])
		o := models.TrainOptions{Family: a[1], Out: a[2], Batch: atoi(a[4]), Window: atoi(a[5]), MaxHeldout: 24}
		o.Network = transformer.Config{Width: width, Layers: atoi(a[7]), Heads: width / 64, Hidden: width * 8 / 3 / 16 * 16, RopeTheta: 10000, Context: atoi(a[5]), Length: 16384}
		o.Run = train.Options{Steps: atoi(a[3]), Seed: 1, Progress: os.Stdout}
		o.Run.Rate, err = strconv.ParseFloat(a[8], 64)
		check(err)
		o.Shards, _ = filepath.Glob(a[9])
		o.Heldout, _ = filepath.Glob(a[10])
		switch a[1] {
		case "quad":
			o.Quad = quadCfg
			o.Sampling = models.Sampling{Temperature: 0.5, TopK: 10, TopP: 0.95}
		case "octree":
			o.Shape = shape.Config{MinDepth: 4, MaxDepth: 6}
			o.Network.RopeTheta = 100
			o.Network.Length = 32768
			o.Sampling = models.Sampling{Temperature: 0.7, TopP: 0.95}
		case "cube":
			o.Tokenizer = a[11]
			o.Network.RopeTheta = 100
			o.Sampling = models.Sampling{Temperature: 0.5}
		}
		_, err = models.Train(context.Background(), dev, o)
		check(err)
	case "tokenizer":
		// tokenizer out steps batch rate clips heldout
		dev, err := gpu.Open(gpu.Options{})
		check(err)
		o := models.TokenizerOptions{Out: a[1], Cube: cubeCfg, Batch: atoi(a[3]), Clips: a[5], Heldout: a[6]}
		o.Run = train.Options{Steps: atoi(a[2]), Seed: 1, Progress: os.Stdout}
		o.Run.Rate, err = strconv.ParseFloat(a[4], 64)
		check(err)
		_, err = models.TrainTokenizer(context.Background(), dev, o)
		check(err)
	}
}
