package matmul

import (
	"embed"
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/ops/internal/launch"
	"github.com/morton-gen/morton/gpu/tensor"
)

//go:embed *.spv
var shaders embed.FS

// Layout says how A and B are stored.
type Layout int

// The three layouts; all matrices are row-major.
const (
	NT Layout = iota // C[m,n] = A[m,k] · B[n,k]ᵀ : a layer, weights [out, in]
	NN               // C[m,n] = A[m,k] · B[k,n]  : gradient of a layer's input
	TN               // C[m,n] = A[k,m]ᵀ · B[k,n] : gradient of a layer's weights
)

func (l Layout) String() string { return [...]string{"nt", "nn", "tn"}[l] }

// Args are the operands of one batched product. With the zero value of the
// optional fields A, B and C are whole matrices.
type Args struct {
	Layout  Layout
	A, B, C *gpu.Tensor
	Bias    *gpu.Tensor // [n], optional, added to every row
	Alpha   float32     // scales the product; 0 means 1
	Add     bool        // add to C instead of overwriting it

	// M, N and K default to the matrices' shapes: all extents of A and C but
	// the last count as rows.
	M, N, K int
	// LDA, LDB and LDC are row strides in elements; they default to the last
	// extents. LDA and LDB must be even, and K too for NT.
	LDA, LDB, LDC int
	// Batch runs Batch products; number z = outer·Inner + inner reads A at
	// outer·StrideA[0] + inner·StrideA[1] elements, and so on. 0 means 1.
	Batch, Inner              int
	StrideA, StrideB, StrideC [2]int
}

// Record adds the product to a program:
//
//	C[m, n] = alpha · Σ_k A(m, k)·B(k, n) (+ bias[n]) (+ C[m, n] if Add)
//
// C must not overlap A or B. The sum runs in the order of k in one f32
// accumulator, so |error| <= (K+2)·2⁻²⁴·Σ|a·b|, and a row's bits do not depend
// on m or on the other rows. Shape errors wrap [gpu.ErrShape] and come out of
// the recorder's Finish.
func Record(r *gpu.Recorder, a Args) {
	a.defaults()
	if err := a.check(); err != nil {
		r.Fail(err)
		return
	}
	tm := rows(a.Layout, a.M)
	w := r.Device().SubgroupWidth()
	name := fmt.Sprintf("%v_%d_w%d", a.Layout, tm, w)
	r.Dispatch(gpu.Call{
		Kernel: launch.Kernel(shaders, "matmul", name, launch.Flag(a.Add), launch.Flag(a.Bias != nil)),
		Grid:   [3]int{launch.Ceil(a.N, 4*w), launch.Ceil(a.M, tm), a.Batch},
		In:     []*gpu.Tensor{a.A, a.B, a.Bias},
		Out:    []*gpu.Tensor{a.C},
		Params: []uint32{
			uint32(a.M), uint32(a.N), uint32(a.K), uint32(a.LDA), uint32(a.LDB), uint32(a.LDC), uint32(a.Inner),
			uint32(a.StrideA[0]), uint32(a.StrideA[1]), uint32(a.StrideB[0]), uint32(a.StrideB[1]),
			uint32(a.StrideC[0]), uint32(a.StrideC[1]), gpu.F32Param(a.Alpha),
		},
	})
}

// rows picks the tile height: the tallest that does not waste half its rows.
func rows(l Layout, m int) int {
	for _, tm := range tiles(l) {
		if m > tm/2 {
			return tm
		}
	}
	return tiles(l)[len(tiles(l))-1]
}

func tiles(l Layout) []int {
	if l == NT {
		return []int{32, 16, 8, 4, 1}
	}
	return []int{32, 8}
}

func (a *Args) defaults() {
	set := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	if a.Alpha == 0 {
		a.Alpha = 1
	}
	set(&a.N, a.C.Dim(-1))
	set(&a.M, a.C.Rows())
	if a.Layout == TN {
		set(&a.K, a.A.Rows())
	} else {
		set(&a.K, a.A.Dim(-1))
	}
	set(&a.LDA, a.A.Dim(-1))
	set(&a.LDB, a.B.Dim(-1))
	set(&a.LDC, a.C.Dim(-1))
	set(&a.Batch, 1)
	set(&a.Inner, 1)
}

func (a *Args) check() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("matmul.Record: %w: %s", gpu.ErrShape, fmt.Sprintf(format, args...))
	}
	for _, t := range []*gpu.Tensor{a.A, a.B, a.C, a.Bias} {
		if t != nil && t.DType != tensor.F32 {
			return fail("%v operand, only f32 is supported", t.DType)
		}
	}
	if a.M < 1 || a.N < 1 || a.K < 1 || a.Batch < 1 || a.Inner < 1 {
		return fail("m=%d n=%d k=%d batch=%d inner=%d", a.M, a.N, a.K, a.Batch, a.Inner)
	}
	if a.LDB%2 != 0 || a.LDA%2 != 0 || a.Layout == NT && a.K%2 != 0 || a.Layout == NN && a.LDA < (a.K+1)&^1 {
		return fail("odd stride or k: lda=%d ldb=%d k=%d", a.LDA, a.LDB, a.K)
	}
	if a.Layout != NT && a.LDB < (a.N+1)&^1 {
		return fail("ldb=%d for n=%d: rows are read in pairs", a.LDB, a.N)
	}
	for _, s := range [][2]int{a.StrideA, a.StrideB} {
		if s[0]%2 != 0 || s[1]%2 != 0 {
			return fail("odd batch stride %v", s)
		}
	}
	return a.checkExtents(fail)
}

// checkExtents holds the last element each operand touches against its size.
func (a *Args) checkExtents(fail func(string, ...any) error) error {
	last := func(rows, cols, ld int, s [2]int) int {
		outer, inner := (a.Batch-1)/a.Inner, min(a.Inner, a.Batch)-1
		return (rows-1)*ld + cols + outer*s[0] + inner*s[1]
	}
	ar, ac, br, bc := a.M, a.K, a.N, a.K
	if a.Layout == TN {
		ar, ac = a.K, a.M
	}
	if a.Layout != NT {
		br, bc = a.K, a.N
	}
	if n := last(ar, ac, a.LDA, a.StrideA); n > a.A.Elems() {
		return fail("A has %d elements, %d are read", a.A.Elems(), n)
	}
	if n := last(br, bc, a.LDB, a.StrideB); n > a.B.Elems() {
		return fail("B has %d elements, %d are read", a.B.Elems(), n)
	}
	if n := last(a.M, a.N, a.LDC, a.StrideC); n > a.C.Elems() {
		return fail("C has %d elements, %d are written", a.C.Elems(), n)
	}
	if a.Bias != nil && a.Bias.Elems() != a.N {
		return fail("bias has %d elements for n=%d", a.Bias.Elems(), a.N)
	}
	return nil
}
