// Package arrows has the rules of which folder may import which, and their
// test. The lowest folders import none of ours, models import geometry and
// devices, and only the upper three import Beam.
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
// The imports are parsed in process, including test files and files with any
// build constraints. The test cache would not notice changes behind a call of
// `go list`, and keep the test green.
package arrows
