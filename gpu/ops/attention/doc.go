// Package attention holds masked multi-head attention: the training form, in
// tiles that never leave the registers, with its backward, and the inference form
// over a paged key-value cache, with the step that fills it. [Wide] is one head of any
// width without a mask, as image tokenizers have.
//
// It is not for projections (see gpu/ops/matmul). For training, queries and keys
// come already normalized and rotated (see gpu/ops/norm and gpu/ops/rope); before
// a cache, [Prepare] does both.
//
//	qkv := rec.Temp(tensor.F32, b*n, 3*d) // from one matmul
//	a := attention.Args{
//		Q: qkv, K: qkv.View(d, qkv.Elems()-d), V: qkv.View(2*d, qkv.Elems()-2*d), Out: out,
//		LDQ: 3 * d, LDK: 3 * d, LDV: 3 * d, B: b, N: n, Heads: h, HeadDim: dh, KeyQ: key,
//		LSE: rec.Temp(tensor.F32, b, h, n),
//	}
//	attention.Forward(rec, a)
//
// Letters: b sequences, n queries and nk keys of each, h heads of queries and g of
// keys, dh width of a head, d = h·dh, z slots of a page.
package attention
