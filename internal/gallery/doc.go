// Package gallery writes a run's page: an index.html that shows each result beside its source,
// with counts, measures, seed, model and time, and a table of failures.
//
// The page opens from a folder, without a server or a network. Style and scripts are inline,
// and videos are linked. The polygons of each mesh are in a small script beside the page that
// is loaded when its card becomes visible. A WebGL viewer draws meshes with the edges of
// polygons, not of triangles.
//
// It is not for reading result files, clips or meshes: the caller passes paths, text and flat
// lists of numbers.
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
