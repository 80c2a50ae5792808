package matmul

import (
	"fmt"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/tensor"
)

// Layout says how A and B are stored.
type Layout int

// The three layouts; all matrices are row-major.
const (
	NT Layout = iota // C[m,n] = A[m,k] · B[n,k]ᵀ : a layer, weights [out, in]
	NN               // C[m,n] = A[m,k] · B[k,n]  : gradient of a layer's input
	TN               // C[m,n] = A[k,m]ᵀ · B[k,n] : gradient of a layer's weights
)

func (l Layout) String() string { return [...]string{"nt", "nn", "tn"}[l] }

// Act is a function applied to every element of the product.
type Act int

// The activations; their formulas and errors are those of gpu/ops/activation.
const (
	NoAct    Act = iota
	SiLU         // x / (1 + exp(-x))
	GELUTanh     // x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2
	GELU         // x·Φ(x)
)

// Coop says whether a product may use the device's cooperative matrices, which
// take their operands in f16.
type Coop int

// A product with cooperative matrices rounds f32 operands to f16 and adds in the
// device's order, see [Record]. So programs whose results must agree in every bit
// ask for the same, whatever their sizes.
const (
	NoCoop   Coop = iota
	MayCoop       // where the device has them and they are the faster; else as NoCoop
	MustCoop      // or fail with [gpu.ErrUnsupported]
)

// Args are the operands of one batched product. With the zero value of the
// optional fields A, B and C are whole matrices.
type Args struct {
	Layout Layout
	// A and C are f32, or of B's type if that is f16 or bf16; a C of 16 bits is
	// rounded to the nearest, to even on ties.
	A, B, C *gpu.Tensor
	// Scale belongs to a B of [tensor.I8] or [tensor.I4x2]: one factor for each
	// Group weights of a row. [Quantize] makes both.
	Scale *gpu.Tensor
	Bias  *gpu.Tensor // [n], optional, added to every row
	Alpha float32     // scales the product; 0 means 1
	Add   bool        // add to C instead of overwriting it
	Act   Act
	// Gated makes C = silu(gate)·up of the two halves of a product: B is [2n, k],
	// gate rows above up rows, Bias [2n]. NT only.
	Gated bool
	// NormEps, if above 0, scales row m of the product by
	// 1/sqrt(mean_k(A[m,k]²) + NormEps): an RMS norm of A whose gain is part of B.
	// NT only.
	NormEps float32
	Coop    Coop // whether operands may be rounded to f16

	// M, N and K default to the matrices' shapes: all extents of A and C but
	// the last count as rows.
	M, N, K int
	// LDA, LDB and LDC are row strides in elements; they default to the last
	// extents. LDA and LDB must be even, and K too for NT, and N and LDC for a C of
	// 16 bits; LDA and LDB a multiple of 4 for 16-bit types.
	LDA, LDB, LDC int
	// Batch runs Batch products; number z = outer·Inner + inner reads A at
	// outer·StrideA[0] + inner·StrideA[1] elements, and so on. 0 means 1.
	Batch, Inner              int
	StrideA, StrideB, StrideC [2]int
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

// columns is the number of columns of the product, of which Gated leaves half.
func (a *Args) columns() int {
	if a.Gated {
		return 2 * a.N
	}
	return a.N
}

// work counts each operand once; B, if a batch shares it, once in all.
func (a *Args) work() gpu.Work {
	m, n, k, z := int64(a.M), int64(a.columns()), int64(a.K), int64(a.Batch)
	b := min(int64(a.B.SizeBytes()), z*n*k*int64(a.B.DType.Bytes()))
	if a.Scale != nil {
		b += int64(a.Scale.SizeBytes())
	}
	return gpu.Work{Flops: 2 * z * m * n * k, Bytes: b + z*m*(k*int64(a.A.DType.Bytes())+int64(a.N)*int64(a.C.DType.Bytes()))}
}

// detail is the product's extents, in a batch how many, and the type of B.
func (a *Args) detail() string {
	text := fmt.Sprintf("%v %dx%dx%d %v", a.Layout, a.M, a.columns(), a.K, a.B.DType)
	if a.Batch > 1 {
		text = fmt.Sprintf("%s, %d of them", text, a.Batch)
	}
	return text
}

func (a *Args) quantized() bool { return a.B.DType == tensor.I8 || a.B.DType == tensor.I4x2 }

func half(t *gpu.Tensor) bool { return t.DType == tensor.F16 || t.DType == tensor.BF16 }

type failure func(format string, args ...any) error

func (a *Args) check() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("matmul.Record: %w: %s", gpu.ErrShape, fmt.Sprintf(format, args...))
	}
	for _, check := range []func(failure) error{a.checkTypes, a.checkStrides, a.checkExtents} {
		if err := check(fail); err != nil {
			return err
		}
	}
	return nil
}

func (a *Args) checkTypes(fail failure) error {
	for _, t := range []*gpu.Tensor{a.A, a.C, a.Bias, a.Scale} {
		like := half(a.B) && (t == a.A || t == a.C) && t.DType == a.B.DType
		if t != nil && t.DType != tensor.F32 && !like {
			return fail("%v operand beside a B of %v", t.DType, a.B.DType)
		}
	}
	_, ok := weights[a.B.DType]
	switch {
	case !ok || a.quantized() && a.Layout != NT:
		return fail("B is %v for layout %v", a.B.DType, a.Layout)
	case half(a.A) && a.NormEps > 0:
		return fail("a norm of %v", a.A.DType)
	case half(a.C) && (a.Add || a.Layout == TN):
		return fail("C is %v for layout %v, added to: %v", a.C.DType, a.Layout, a.Add)
	case a.Layout != NT && (a.Gated || a.NormEps > 0):
		return fail("a gate or a norm for layout %v", a.Layout)
	case a.Gated && a.Act != NoAct:
		return fail("activation %d beside a gate", a.Act)
	case a.Act < NoAct || a.Act > GELU:
		return fail("activation %d", a.Act)
	case a.Coop < NoCoop || a.Coop > MustCoop:
		return fail("cooperative matrices %d", a.Coop)
	case a.quantized() != (a.Scale != nil):
		return fail("B is %v, with scales: %v", a.B.DType, a.Scale != nil)
	case a.quantized() && (a.K%Group != 0 || a.Batch != 1 || a.LDB != a.B.Dim(-1)):
		return fail("packed B with k=%d, ldb=%d, batch=%d", a.K, a.LDB, a.Batch)
	}
	return nil
}

func (a *Args) checkStrides(fail failure) error {
	if a.M < 1 || a.N < 1 || a.K < 1 || a.Batch < 1 || a.Inner < 1 {
		return fail("m=%d n=%d k=%d batch=%d inner=%d", a.M, a.N, a.K, a.Batch, a.Inner)
	}
	if a.LDB%2 != 0 || a.LDA%2 != 0 || a.Layout == NT && a.K%2 != 0 || a.Layout == NN && a.LDA < (a.K+1)&^1 {
		return fail("odd stride or k: lda=%d ldb=%d k=%d", a.LDA, a.LDB, a.K)
	}
	if a.Layout != NT && a.LDB < (a.N+1)&^1 {
		return fail("ldb=%d for n=%d: rows are read in pairs", a.LDB, a.N)
	}
	if half(a.C) && (a.N%2 != 0 || a.LDC%2 != 0 || a.StrideC[0]%2 != 0 || a.StrideC[1]%2 != 0) {
		return fail("n=%d, ldc=%d, strides %v: C is written in pairs", a.N, a.LDC, a.StrideC)
	}
	words := []int{a.LDA, a.StrideA[0], a.StrideA[1]}
	if half(a.A) {
		words = []int{a.LDA / 2, a.StrideA[0] / 2, a.StrideA[1] / 2}
	}
	if half(a.B) {
		words = append(words, a.LDB/2, a.StrideB[0]/2, a.StrideB[1]/2)
	} else {
		words = append(words, a.StrideB[0], a.StrideB[1])
	}
	for _, s := range words {
		if s%2 != 0 {
			return fail("lda=%d, ldb=%d, strides %v and %v: rows must start at 8 bytes", a.LDA, a.LDB, a.StrideA, a.StrideB)
		}
	}
	return nil
}

// checkExtents holds the last element each operand touches against its size.
func (a *Args) checkExtents(fail failure) error {
	last := func(rows, cols, ld int, s [2]int) int {
		outer, inner := (a.Batch-1)/a.Inner, min(a.Inner, a.Batch)-1
		return (rows-1)*ld + cols + outer*s[0] + inner*s[1]
	}
	ar, ac, br, bc := a.M, a.K, a.columns(), a.K
	if a.Layout == TN {
		ar, ac = a.K, a.M
	}
	if a.Layout != NT {
		br, bc = a.K, a.N
	}
	if n := last(ar, ac, a.LDA, a.StrideA); n > a.A.Elems() {
		return fail("A has %d elements, %d are read", a.A.Elems(), n)
	}
	if n := last(a.M, a.N, a.LDC, a.StrideC); n > a.C.Elems() {
		return fail("C has %d elements, %d are written", a.C.Elems(), n)
	}
	if a.Bias != nil && a.Bias.Elems() != a.columns() {
		return fail("bias has %d elements for n=%d", a.Bias.Elems(), a.columns())
	}
	if a.quantized() {
		return a.checkPacked(fail)
	}
	if n := last(br, bc, a.LDB, a.StrideB); n > a.B.Elems() {
		return fail("B has %d elements, %d are read", a.B.Elems(), n)
	}
	return nil
}

func (a *Args) checkPacked(fail failure) error {
	if n := packedBytes(a.B.DType, a.columns(), a.K); n != a.B.Elems() {
		return fail("B has %d bytes, want %d for %dx%d", a.B.Elems(), n, a.columns(), a.K)
	}
	if n := scaleCount(a.columns(), a.K); n != a.Scale.Elems() {
		return fail("Scale has %d elements, want %d for %dx%d", a.Scale.Elems(), n, a.columns(), a.K)
	}
	return nil
}
