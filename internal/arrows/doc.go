// Package arrows holds which folder may import which, and the test that keeps
// it so: the lowest folders know nothing of ours, learned things stand on
// geometry and devices, and only the upper three know Beam.
//
//	jobs -> pipelines -> transforms -> models -> {gpu, codecs, mesh, octree}
//	tools -> models
//	octree -> mesh
//	internal: imported by all, imports none of the above
//
// An arrow reaches everything further down as well: jobs may import mesh.
//
// It is not for anything at run time; only its own test calls it:
//
//	imports, err := arrows.Scan("../..")
//	if err != nil {
//		return err
//	}
//	for _, violation := range arrows.House.Check(imports) {
//		fmt.Println(violation)
//	}
//
// The imports are parsed in process, test files included, whatever their build
// constraints: a call of `go list` would be out of the test cache's sight, and
// the test would stay green from the cache.
package arrows
