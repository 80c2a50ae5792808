// Package limit bounds what a mesh file may make its reader allocate, in the
// same words for every format. A reader asks before it allocates.
//
// It is not for the formats themselves (see mesh/obj, mesh/gltf, mesh/ply,
// mesh/stl and mesh/off).
//
//	l := limit.Limits{FaceCorners: 100_000}.WithDefaults()
//	if n > l.FaceCorners {
//		return limit.Over(limit.FaceCorners, int64(l.FaceCorners))
//	}
package limit
