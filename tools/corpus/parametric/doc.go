// Package parametric draws meshes of quads from families of shapes with random
// parameters: vessels, furniture and mechanical parts, built by lathe, sweep, extrusion,
// arrays and subdivision. They are what a modeller would draw by hand: edge loops follow
// the form, and few faces are triangles.
//
//	shape, err := parametric.Draw(parametric.Train, 1, 42) // shape 42 of seed 1
//
// A shape follows from its seed and number alone. Whole families are held out, see
// [HeldOut]. The package is not for files of other people (see tools/corpus/furniture).
//
// Letters: i rows, j columns of a sheet, n columns.
package parametric
