// Package embed looks up and sums rows of a table by id, and gives the table's
// gradient; and it computes sinusoidal embeddings of timesteps and positions.
//
//	embed.Sum(rec, embed.SumArgs{Table: w, IDs: ids, Out: x}) // x[r] = Σ_j w[ids[r, j]]
//
// It is not for positions that turn queries and keys (see gpu/ops/rope).
//
// Letters: n rows of the result, d columns, k ids a row, v rows of the table; h
// frequencies an axis.
package embed
