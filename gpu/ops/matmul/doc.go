// Package matmul holds the dense matrix product in the three layouts that a
// network's forward and backward passes need.
//
//	matmul.Record(rec, matmul.Args{Layout: matmul.NT, A: x, B: w, C: y}) // y = x·wᵀ
//
// It is not for convolutions or attention.
//
// Letters: m rows of C, n columns of C, k the summed extent, z the batch.
package matmul
