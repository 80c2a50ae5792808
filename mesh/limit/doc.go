// Package limit bounds what a mesh file may make its reader allocate, with the
// same names and errors for every format. Readers check before they allocate.
//
// It is not for the formats themselves (see mesh/obj, mesh/gltf, mesh/ply,
// mesh/stl and mesh/off).
//
//	l := limit.Limits{FaceCorners: 100_000}.WithDefaults()
//	if n > l.FaceCorners {
//		return limit.Over(limit.FaceCorners, int64(l.FaceCorners))
//	}
package limit
