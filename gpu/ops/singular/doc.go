// Package singular scales matrices along their singular directions.
//
//	singular.Scale(rec, singular.Args{X: x, B: 2, Strength: -0.5, Out: y}) // softens the largest
//
// It is not for the directions themselves, nor for matrices of many columns: a workgroup does
// a matrix.
//
// Letters: b matrices, n rows, d columns.
package singular
