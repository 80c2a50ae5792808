package nn

import (
	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/models/tape"
)

// Value is a tensor of a recording, with its gradient if the recording trains.
type Value = tape.Value

// Graph records a network over the rows of one batch. [Inference] records it to
// generate, [Training] to train.
type Graph interface {
	// Embed returns the sum of each row's embeddings, [n, width].
	Embed(t *Table) *Value
	// Codes returns the codes of rows' input tokens, side by side: [n, f·bits]. A code has
	// unit length; a missing one is zero.
	Codes() *Value
	// Features returns the vectors of a condition, one for each row: [n, features].
	Features() *Value
	// Numbers returns the tokens of real numbers of rows' input tokens, side by side: [n,
	// f·width]. A missing one is zero.
	Numbers() *Value
	// Place returns for each row the row of t at its only coordinate, [n, width], and
	// zeros where t has none.
	Place(t *Table) *Value
	// Product returns x·wᵀ, with the norm of w and the options applied.
	Product(x *Value, w *Matrix, o ProductOptions) *Value
	// LayerNorm returns x normalized, [n, d].
	LayerNorm(x *Value, n *LayerNorm) *Value
	// SiLU returns x/(1 + exp(-x)).
	SiLU(x *Value) *Value
	// Modulate returns (1 + scale)·x + heat·shift, [n, d]. Scale and shift are numbers of
	// parts of d columns of mod, which has a row for each of x, or for each sequence.
	// Heat has a row for each of x, of which the first counts; nil means 1. The result may
	// take the memory of x.
	Modulate(x, mod *Value, scale, shift int, heat *Value) *Value
	// Adapt returns (1 + scale)·LN(x) + shift, by parts of mod as in Modulate.
	Adapt(x, mod *Value, scale, shift int, eps float32) *Value
	// Gate returns residual + gate·x, the gate being a part of mod as in Modulate. The
	// result may take the memory of the residual.
	Gate(x, mod *Value, gate int, residual *Value) *Value
	// Unit brings the queries and keys of qkv to unit length, and multiplies the queries of
	// each head by the exponential of its element of log, which counts up to [MostLog]. The
	// result may take the memory of qkv.
	Unit(qkv *Value, log *Vector, a *Attention) *Value
	// Waves returns sines and cosines of numbers x, [n, 1], at frequencies as
	// embed.Frequencies makes them: the cosines first.
	Waves(x *Value, frequencies *Constant) *Value
	// Add returns a + b. The sum may take the memory of a.
	Add(a, b *Value) *Value
	// Attend returns attention, [n, h·dh]. Queries, keys and values lie side by side in
	// qkv, [n, (h + 2g)·dh], with g heads of keys.
	Attend(qkv *Value, a *Attention) *Value
	// Pick returns the row of x for each target of a direction of the head.
	Pick(x *Value, direction int) *Value
	// Layer records f of x. Training may keep only x, and record f again for the
	// gradient.
	Layer(x *Value, f func(Graph, *Value) *Value) *Value
	// Stage is the stage of the network that is recorded.
	Stage() int
	// Keep keeps the hidden states of rows for later stages, in their places. Several states
	// of a row lie side by side in x, and go to consecutive places.
	Keep(x *Value)
	// Recall returns kept hidden state number i that each row starts from, and zeros where
	// there is none.
	Recall(i int) *Value
	// RecallSpan returns the kept states in so many consecutive places, of which number i is
	// the first, side by side: [n, span·width].
	RecallSpan(i, span int) *Value
	// Look returns attention of queries, [n, h·dh], to the keys and values of a condition.
	Look(q *Value, s *Shared) *Value
	// Kept returns the only state that each sequence keeps, a row for each, and Spread what
	// Modulate, Adapt and Gate take of a value with such rows.
	Kept() *Value
	Spread(x *Value) *Value
	// Given returns n tokens of each sequence from a position on, i32 [b, n], and the number b of
	// sequences. The rows of a sequence, of which there are so many, are fed them.
	Given(rows, from, n int) (ids *gpu.Tensor, b int)
	// Constant returns a constant on the device, f32.
	Constant(c *Constant) *gpu.Tensor
	// Frozen returns a tensor that nobody trains.
	Frozen(f *Frozen) *gpu.Tensor
	// Program is what the graph records to, for what has no gradient.
	Program() *gpu.Recorder
	// Mark names a value for tests; it changes nothing.
	Mark(name string, x *Value)
}

// Act is an activation of a product's result.
type Act int

// The activations. GELU is exact, GELUTanh its form with tanh.
const (
	NoAct Act = iota
	SiLU
	GELU
	GELUTanh
)

// ProductOptions are what a product does besides multiplying.
type ProductOptions struct {
	Bias  *Vector // added to every row
	Gate  bool    // SwiGLU: silu of the result's first half times the second
	Act   Act     // of the result
	Add   *Value  // added to the result, which may take its place
	Alpha float32 // scales the product; 0 means 1
}

// Attention describes attention among the rows of a sequence.
type Attention struct {
	Heads, KVHeads, HeadDim int   // KVHeads 0 means Heads
	Rope                    *Rope // nil: none
	// QNorm and KNorm are norms of each head's queries and keys, before they are turned; nil:
	// none. Networks that train do not have them yet.
	QNorm, KNorm *Norm
	Scale        float32 // of the products of queries and keys; 0 means 1/√dh
	// Group is the group of the cache that keys and values lie in, see system.Layout.
	Group int
	cache int
}

// Rope describes rotary positions. Each axis turns its own share of a head's pairs (2j,
// 2j+1), pair j by theta^(-j/pairs) a unit. A coordinate of [NoPosition] makes queries and
// keys zero on its axis.
type Rope struct {
	Pairs []int
	Theta float64
	// Coarse says that sines and cosines are rounded to bf16, as some authors' tables are.
	// Networks that train do not have it yet.
	Coarse bool
}

// NoPosition is the coordinate of a row that has no place on an axis.
const NoPosition = -1 << 31

// Width is the number of columns of queries, keys and values side by side.
func (a *Attention) Width() int { return (a.Heads + 2*a.KeyHeads()) * a.HeadDim }

// KeyHeads is the number of heads of keys, and of values.
func (a *Attention) KeyHeads() int {
	if a.KVHeads == 0 {
		return a.Heads
	}
	return a.KVHeads
}
