// Package matmul holds the dense matrix product in the three layouts that a
// network's forward and backward passes need, and the packing of weights into
// integers of eight and four bits.
//
//	matmul.Record(rec, matmul.Args{Layout: matmul.NT, A: x, B: w, C: y}) // y = x·wᵀ
//
//	p, err := matmul.Quantize(tensor.I8, w, n, k)
//	b, scale, err := p.Upload(dev)
//	matmul.Record(rec, matmul.Args{A: x, B: b, Scale: scale, C: y, Gated: true, NormEps: 1e-6})
//
//	matmul.Record(rec, matmul.Args{A: x, B: w, C: y, Coop: matmul.MayCoop}) // x may be rounded to f16
//
// It is not for convolutions or attention.
//
// Letters: m rows of C, n columns of C, k the summed extent, z the batch.
package matmul
