package nn

import (
	"github.com/morton-gen/morton/models/tape"
)

// Value is a tensor of a recording, with its gradient if the recording trains.
type Value = tape.Value

// Graph records a network over the rows of one batch. [Drawing] records it to
// generate, [Training] to train.
type Graph interface {
	// Embed returns the sum of each row's embeddings, [n, width].
	Embed(t *Table) *Value
	// Codes returns the binary codes that rows are fed, side by side, each of unit
	// length: [n, f·bits]. A code that is not there is zero.
	Codes() *Value
	// Features returns the vectors of a condition, one a row: [n, features].
	Features() *Value
	// Product returns x times the transpose of w, with what stands around it.
	Product(x *Value, w *Matrix, o ProductOptions) *Value
	// Add returns the sum of two values, which may take the memory of the first.
	Add(a, b *Value) *Value
	// Attend returns attention over the queries, keys and values side by side in
	// qkv, [n, (h + 2g)·dh]: [n, h·dh].
	Attend(qkv *Value, a *Attention) *Value
	// Pick returns the rows of x that a direction of the head draws from.
	Pick(x *Value, direction int) *Value
	// Layer records f of x. When it trains it may keep only x, and record f again.
	Layer(x *Value, f func(Graph, *Value) *Value) *Value
	// Mark names a value for tests; it changes nothing.
	Mark(name string, x *Value)
}

// ProductOptions say what a product does besides multiplying.
type ProductOptions struct {
	Bias  *Vector // added to every row
	Gate  bool    // SwiGLU: silu of the result's first half times the second
	GELU  bool    // the tanh form of GELU of the result
	Add   *Value  // added to the result, which may take its memory
	Alpha float32 // scales the product; 0 means 1
}

// Attention describes attention among the rows of a sequence.
type Attention struct {
	Heads, KVHeads, HeadDim int   // KVHeads 0 means Heads
	Rope                    *Rope // nil: none
	cache                   int
}

// Rope is a table of rotary frequencies: each axis of a position turns its share of
// a head's pairs (2j, 2j+1), by theta^(-j/pairs) a unit. A position of [Nowhere]
// makes queries and keys zero on its axis.
type Rope struct {
	Pairs []int
	Theta float64
}

// Nowhere is the coordinate of a row that has no place on an axis.
const Nowhere = -1 << 31

// Width is the number of columns of queries, keys and values side by side.
func (a *Attention) Width() int { return (a.Heads + 2*a.KeyHeads()) * a.HeadDim }

// KeyHeads is the number of heads of keys, and of values.
func (a *Attention) KeyHeads() int {
	if a.KVHeads == 0 {
		return a.Heads
	}
	return a.KVHeads
}
