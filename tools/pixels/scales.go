package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/morton-gen/morton/codecs/picture"
	"github.com/morton-gen/morton/codecs/safetensors"
	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
	"github.com/morton-gen/morton/models/tokenizer/msvq"
)

const quantizerName = "quantize.embedding.weight"

// refiners is the number of convolutions, which a tokenizer of VAR's is told by.
const refiners = 2

// residual codes pictures as VAR's quantizer does: each scale takes the nearest codes to what
// the scales before have left. A place of the last scale is a patch of pixels.
type residual struct {
	book  codebook
	rows  int // pictures at once
	sides []int
	x     *gpu.Tensor // f32 [rows, 64, numbers]
	scale []residualScale
}

// residualScale reduces pictures to a scale, and makes pictures of codes.
type residualScale struct {
	reduced, codes, whole *gpu.Tensor
	reduce, look          *gpu.Program
}

// newResidual records programs for so many pictures at once.
func newResidual(dev *gpu.Device, sides []int, rows int) (*residual, error) {
	r := &residual{rows: rows, sides: sides}
	var err error
	if r.x, err = dev.NewTensor(tensor.F32, rows*cells, numbers); err != nil {
		return nil, err
	}
	q := msvq.Quantizer{Config: msvq.Config{Sides: sides, Dim: numbers, Shared: refiners}, Smooth: true}
	for k, p := range sides {
		var s residualScale
		if s.codes, err = dev.NewTensor(tensor.F32, rows*p*p, numbers); err != nil {
			return nil, err
		}
		a, b := dev.NewRecorder(), dev.NewRecorder()
		s.reduced, s.whole = a.Keep(q.Reduce(a, k, rows, r.x)), b.Keep(q.Look(b, k, rows, s.codes))
		if s.reduce, err = a.Finish(); err != nil {
			return nil, err
		}
		if s.look, err = b.Finish(); err != nil {
			return nil, err
		}
		r.scale = append(r.scale, s)
	}
	return r, nil
}

// encode calls take with the codes of every scale of x, [pictures, 64, numbers], of which see
// is told the vector that each is nearest to.
func (r *residual) encode(x []float32, see func(code int, x []float32)) (tokens [][]int64, err error) {
	each := cells * numbers
	rest := make([]float32, r.rows*each)
	n := copy(rest, x) / each
	tokens = make([][]int64, n)
	for k, p := range r.sides {
		s := &r.scale[k]
		reduced, whole := make([]float32, r.rows*p*p*numbers), make([]float32, r.rows*each)
		if err := errors.Join(r.x.WriteF32(rest), s.reduce.Run(1), s.reduced.ReadF32(reduced)); err != nil {
			return nil, err
		}
		for i := range n * p * p {
			v := reduced[i*numbers:][:numbers]
			code := r.book.nearest(v)
			if see != nil {
				see(code, v)
			}
			tokens[i/p/p] = append(tokens[i/p/p], int64(code))
			copy(v, r.book.code(code))
		}
		if err := errors.Join(s.codes.WriteF32(reduced), s.look.Run(1), s.whole.ReadF32(whole)); err != nil {
			return nil, err
		}
		for i, v := range whole {
			rest[i] -= v
		}
	}
	return tokens, nil
}

// decode returns the numbers of pictures from the codes of all scales.
func (r *residual) decode(tokens [][]int64) ([][]float32, error) {
	each, from := cells*numbers, 0
	sum := make([]float32, r.rows*each)
	for k, p := range r.sides {
		s := &r.scale[k]
		codes, whole := make([]float32, r.rows*p*p*numbers), make([]float32, len(sum))
		for i, t := range tokens {
			for j, code := range t[from : from+p*p] {
				copy(codes[(i*p*p+j)*numbers:], r.book.code(int(code)))
			}
		}
		if err := errors.Join(s.codes.WriteF32(codes), s.look.Run(1), s.whole.ReadF32(whole)); err != nil {
			return nil, err
		}
		for i, v := range whole {
			sum[i] += v
		}
		from += p * p
	}
	var out [][]float32
	for i := range tokens {
		out = append(out, sum[i*each:(i+1)*each])
	}
	return out, nil
}

// decodeAll is decode of any number of pictures.
func (r *residual) decodeAll(tokens [][]int64) (out [][]float32, err error) {
	for _, list := range tokens {
		if len(list) != r.tokens() || slices.ContainsFunc(list, func(t int64) bool { return t < 0 || int(t) >= r.book.len() }) {
			return nil, fmt.Errorf("a picture of %d tokens, want %d of %d codes", len(list), r.tokens(), r.book.len())
		}
	}
	for part := range slices.Chunk(tokens, r.rows) {
		x, err := r.decode(part)
		if err != nil {
			return nil, err
		}
		out = append(out, x...)
	}
	return out, nil
}

// fit makes a code book that all scales share, by Lloyd's rounds over some pictures. A code
// without members starts again from what is badly coded. What a scale takes away changes
// what the next ones see, so that a round may be worse than the one before: the best counts.
func (r *residual) fit(x []float32, codes, rounds int) error {
	each := r.rows * cells * numbers
	for i := range codes { // of patches of all brightnesses and, as scales go, ever smaller
		at := i * (len(x) / numbers) / codes
		for _, v := range x[at*numbers:][:numbers] {
			r.book = append(r.book, v*float32(1+i%4)/4)
		}
	}
	var best codebook
	least := math.Inf(1)
	for round := range rounds {
		sums, counts, far, err2 := make([]float64, len(r.book)), make([]int, codes), [][]float32{}, 0.0
		worst := 0.0
		for at := 0; at < len(x); at += each {
			if _, err := r.encode(x[at:min(at+each, len(x))], func(code int, v []float32) {
				d := apart(r.book.code(code), v)
				if err2 += d; d > worst/2 && len(far) < codes {
					far, worst = append(far, append([]float32{}, v...)), max(worst, d)
				}
				counts[code]++
				for j, n := range v {
					sums[code*numbers+j] += float64(n)
				}
			}); err != nil {
				return err
			}
		}
		if err2 < least {
			best, least = slices.Clone(r.book), err2
		}
		used := 0
		for i, n := range counts {
			switch c := r.book.code(i); {
			case n > 0:
				used++
				for j := range c {
					c[j] = float32(sums[i*numbers+j] / float64(n))
				}
			case len(far) > 0:
				copy(c, far[len(far)-1])
				far = far[:len(far)-1]
			}
		}
		fmt.Printf("round %d: %d codes used, squared error of a number %.4f\n", round, used, err2/float64(len(x)/cells/numbers*r.tokens()*numbers))
	}
	r.book = best
	return nil
}

// tokens is the number of those of a picture.
func (r *residual) tokens() int { return msvq.Config{Sides: r.sides}.Tokens() }

// scales writes a sample of every picture, whose tokens are codes of all scales. Without a
// tokenizer it makes one: a quantizer that refines nothing, and no network.
func scales(args []string) error {
	f := flag.NewFlagSet("scales", flag.ContinueOnError)
	from, out := f.String("from", "", fromHelp), f.String("out", "", "shard `FILE`")
	dir, codes := f.String("tokenizer", "", "folder `DIR` of a quantizer; it is made if it is not there"), f.Int("codes", 256, "how many codes it then has")
	list, every := f.String("sides", "1,2,4,8", "of the scales; the last is 8"), f.Int("every", 8, "take a frame of so many")
	if err := f.Parse(args); err != nil {
		return err
	}
	sides, err := parseSides(*list)
	if err != nil {
		return err
	}
	dev, err := gpu.Open(gpu.Options{})
	if err != nil {
		return err
	}
	defer dev.Close()
	r, err := newResidual(dev, sides, 128)
	if err != nil {
		return err
	}
	var ids []string
	var all []float32
	if err := frames(*from, *every, Side, func(name string, p *picture.Picture) error {
		ids = append(ids, name)
		for token := range cells {
			all = append(all, patch(p, token)...)
		}
		return nil
	}); err != nil {
		return err
	}
	if r.book, err = readQuantizer(*dir); errors.Is(err, os.ErrNotExist) {
		if err = r.fit(spread(all, 2048), *codes, 12); err == nil {
			err = r.write(*dir)
		}
	}
	if err != nil {
		return err
	}
	return r.shard(*out, *from, ids, all)
}

// spread returns n pictures that are spread over all.
func spread(all []float32, n int) (out []float32) {
	const each = cells * numbers
	have := len(all) / each
	for i := range min(n, have) {
		out = append(out, all[i*have/min(n, have)*each:][:each]...)
	}
	return out
}

func parseSides(list string) (sides []int, err error) {
	for _, word := range strings.Split(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || len(sides) > 0 && n <= sides[len(sides)-1] {
			return nil, fmt.Errorf("%w: sides %q, want growing ones up to %d", flag.ErrHelp, list, Side/Patch)
		}
		sides = append(sides, n)
	}
	if sides[len(sides)-1] != Side/Patch {
		return nil, fmt.Errorf("%w: sides %q, want growing ones up to %d", flag.ErrHelp, list, Side/Patch)
	}
	return sides, nil
}

// shard codes all pictures, and says what is lost.
func (r *residual) shard(path, source string, ids []string, all []float32) error {
	w, err := shard.Create(path)
	if err != nil {
		return err
	}
	defer w.Abort()
	const each = cells * numbers
	var grid []int32
	for _, p := range r.sides {
		grid = append(grid, int32(p))
	}
	lost := 0.0
	for at := 0; at < len(ids); at += r.rows {
		x := all[at*each : min(at+r.rows, len(ids))*each]
		tokens, err := r.encode(x, nil)
		if err != nil {
			return err
		}
		back, err := r.decode(tokens)
		if err != nil {
			return err
		}
		for i, t := range tokens {
			lost += apart(back[i], x[i*each:][:each])
			if err := w.Write(shard.Sample{ID: ids[at+i], Kind: shard.KindScales, Grid: grid, Source: source, Tokens: t}); err != nil {
				return err
			}
		}
	}
	fmt.Printf("%d pictures of %d tokens, %.1f dB\n", len(ids), r.tokens(), -10*math.Log10(lost/float64(len(all))/Gain/Gain))
	return w.Close()
}

// openResidual opens a quantizer that scales wrote.
func openResidual(dev *gpu.Device, dir string) (*residual, error) {
	config, err := os.ReadFile(filepath.Join(dir, "tokenizer.json"))
	if err != nil {
		return nil, err
	}
	var c msvq.Config
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	r, err := newResidual(dev, c.Sides, 128)
	if err != nil {
		return nil, err
	}
	r.book, err = readQuantizer(dir)
	return r, err
}

func readQuantizer(dir string) (codebook, error) {
	f, err := safetensors.Open(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBook(f, dir, quantizerName)
}

// write writes the quantizer as a tokenizer of VAR's, whose convolutions have no part in
// what codes add up to.
func (r *residual) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	book, err := r.book.tensor(quantizerName)
	if err != nil {
		return err
	}
	zeros := func(shape ...int) safetensors.Tensor {
		return safetensors.Tensor{DType: safetensors.F32, Shape: shape, Data: make([]byte, 4*tensor.Elems(shape))}
	}
	config, err := json.Marshal(map[string]any{"patch_nums": r.sides, "vocab_size": r.book.len(), "Cvae": numbers, "share_quant_resi": refiners, "quant_resi": 0})
	if err != nil {
		return err
	}
	list := []safetensors.NamedTensor{book}
	for i := range refiners {
		name := fmt.Sprintf("quantize.quant_resi.qresi_ls.%d.", i)
		list = append(list, safetensors.NamedTensor{Name: name + "bias", Tensor: zeros(numbers)}, safetensors.NamedTensor{Name: name + "weight", Tensor: zeros(numbers, numbers, 3, 3)})
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, "tokenizer.json"), config, 0o644), safetensors.Write(filepath.Join(dir, "model.safetensors"), list, nil))
}
