// Package gallery writes the page that people look at after a run: one
// index.html that shows each result beside its source, with counts, measures,
// seed, model and time, and a table of what failed.
//
// The page opens from a folder, without a server or a network: style and
// program are inside it, videos are linked, and the polygons of each mesh stand
// in a small script beside it that is loaded when its card comes into view.
// Meshes are drawn by a WebGL viewer of our own with the polygons' edges, not
// those of their triangles.
//
// It is not for reading result files, nor does it know clips or meshes: the
// caller gives paths, text and flat lists of numbers.
//
//	err := gallery.Write("out", gallery.Page{
//		Title:   "Continued clips",
//		Command: "morton generate video --input 'clips/*.mp4'",
//		Items: []gallery.Item{{
//			ID: "city", Family: gallery.Video, Source: "../clips/city.mp4", Result: "city.mp4",
//			PrefixFrames: 16, Frames: 48, Seed: 1, Model: "cube-s", Seconds: 2.5,
//		}},
//	})
//
// Letters used in comments: v vertices, f faces, k corners of a face.
package gallery
