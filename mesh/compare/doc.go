// Package compare measures how far two surfaces are from each other: Chamfer
// distances in both conventions, the Hausdorff distance, F-scores and the
// consistency of normals.
//
// It is not for sets of points without faces (see [mesh.Compare]), nor for what
// is wrong within one mesh (see [mesh.Measure]).
//
//	report, err := compare.Surfaces(result, reference, compare.Options{})
//	if err != nil {
//		return err
//	}
//	fmt.Println(report.ChamferL1, report.Hausdorff)
//	fmt.Println(report.Raw().ChamferL1) // in the reference's units
//
// # What is measured
//
// Points are drawn evenly over the area of each surface. The distance of a point
// is that to the other surface's triangles, not to its points, so it is not held
// up by the spacing of samples. Lengths are in units of the reference's longest
// side, the longest edge of its axis-aligned box; [Report.Raw] gives them in the
// reference's own units. The mesh is compared at its own place and size: nothing
// is aligned.
//
// Published figures differ in convention. Chamfer L1 here is that of Occupancy
// Networks, and Chamfer L2 that of the Point Set Generation Network; F-score
// thresholds are shares of the box's side, as Tatarchenko et al. use them.
//
// Letters used in comments: M the mesh, R the reference, p a point of M, q a
// point of R, n samples.
//
// Sources: Mescheder et al., "Occupancy Networks", CVPR 2019, arXiv:1812.03828;
// Fan, Su and Guibas, "A Point Set Generation Network for 3D Object
// Reconstruction from a Single Image", CVPR 2017, arXiv:1612.00603; Knapitsch et
// al., "Tanks and Temples", ACM TOG 36(4), 2017; Tatarchenko et al., "What Do
// Single-view 3D Reconstruction Networks Learn?", CVPR 2019, arXiv:1905.03678.
package compare
