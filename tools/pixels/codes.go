package main

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
)

// codebook holds the numbers of codes, [codes, numbers]: the mean patches of a corpus.
type codebook []float32

const codesName = "codes"

func (c codebook) len() int { return len(c) / numbers }

func (c codebook) code(i int) []float32 { return c[i*numbers : (i+1)*numbers] }

// nearest returns the code that is nearest to a token.
func (c codebook) nearest(x []float32) (best int) {
	least := math.Inf(1)
	for i := range c.len() {
		if d := apart(c.code(i), x); d < least {
			best, least = i, d
		}
	}
	return best
}

// near returns the k nearest codes to each, the nearest first, [codes, k].
func (c codebook) near(k int) (out []uint32) {
	for i := range c.len() {
		taken := map[int]bool{i: true}
		for range min(k, c.len()-1) {
			best, least := -1, math.Inf(1)
			for j := range c.len() {
				if d := apart(c.code(i), c.code(j)); !taken[j] && d < least {
					best, least = j, d
				}
			}
			taken[best] = true
			out = append(out, uint32(best))
		}
	}
	return out
}

// decodeAll returns the numbers of pictures.
func (c codebook) decodeAll(tokens [][]int64) (out [][]float32, err error) {
	for _, list := range tokens {
		var x []float32
		for _, t := range list {
			if t < 0 || int(t) >= c.len() {
				return nil, fmt.Errorf("code %d of %d", t, c.len())
			}
			x = append(x, c.code(int(t))...)
		}
		out = append(out, x)
	}
	return out, nil
}

// apart is the squared distance.
func apart(a, b []float32) (sum float64) {
	for i, x := range a {
		sum += float64(x-b[i]) * float64(x-b[i])
	}
	return sum
}

// means makes codes of tokens by k-means, from tokens that are spread over all.
//
// Source: Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information
// Theory 28, 1982.
func means(tokens [][]float32, codes, rounds int) codebook {
	var c codebook
	for i := range codes {
		c = append(c, tokens[i*len(tokens)/codes]...)
	}
	for range rounds {
		sums, counts := make([]float64, len(c)), make([]float64, codes)
		for _, x := range tokens {
			i := c.nearest(x)
			counts[i]++
			for j, v := range x {
				sums[i*numbers+j] += float64(v)
			}
		}
		for i, s := range sums {
			if n := counts[i/numbers]; n > 0 {
				c[i] = float32(s / n)
			}
		}
	}
	return c
}

func readCodes(path string) (codebook, error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBook(f, path, codesName)
}

// readBook reads a code book by its name.
func readBook(f *safetensors.File, path, name string) (codebook, error) {
	x, err := f.Tensor(name)
	if err != nil {
		return nil, err
	}
	if x.DType != safetensors.F32 || len(x.Shape) != 2 || x.Shape[1] != numbers {
		return nil, fmt.Errorf("%s: codes %v %v, want f32 [codes, %d]", path, x.DType, x.Shape, numbers)
	}
	return x.Float32s()
}

func (c codebook) write(path string) error {
	x, err := c.tensor(codesName)
	return errors.Join(err, safetensors.Write(path, []safetensors.NamedTensor{x}, nil))
}

func (c codebook) tensor(name string) (safetensors.NamedTensor, error) {
	return safetensors.FromFloat32s(name, safetensors.F32, []int{c.len(), numbers}, c)
}

// codes writes a sample of every picture, whose tokens are codes. Without a code book it
// makes one.
func codes(args []string) error {
	f := flag.NewFlagSet("codes", flag.ContinueOnError)
	from, out := f.String("from", "", fromHelp), f.String("out", "", "shard `FILE`")
	every, book, n := f.Int("every", 8, "take a frame of so many"), f.String("codebook", "", "code book `FILE`; it is made if it is not there"), f.Int("codes", 64, "how many codes it then has")
	if err := f.Parse(args); err != nil {
		return err
	}
	var ids []string
	var all [][]float32 // tokens
	err := frames(*from, *every, Side, func(name string, p *picture.Picture) error {
		ids = append(ids, name)
		for token := range cells {
			all = append(all, patch(p, token))
		}
		return nil
	})
	if err != nil {
		return err
	}
	c, err := readCodes(*book)
	if errors.Is(err, os.ErrNotExist) {
		const few = 20000
		var some [][]float32
		for i := 0; i < len(all); i += max(len(all)/few, 1) {
			some = append(some, all[i])
		}
		c = means(some, *n, 20)
		err = c.write(*book)
	}
	if err != nil {
		return err
	}
	w, err := shard.Create(*out)
	if err != nil {
		return err
	}
	for i, id := range ids {
		s := shard.Sample{ID: id, Kind: shard.KindVQ, Grid: []int32{Side / Patch, Side / Patch}, Source: *from}
		for _, x := range all[i*cells : (i+1)*cells] {
			s.Tokens = append(s.Tokens, int64(c.nearest(x)))
		}
		if err := w.Write(s); err != nil {
			return errors.Join(err, w.Close())
		}
	}
	return w.Close()
}
