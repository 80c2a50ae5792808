// Package compare measures how far two surfaces are from each other: Chamfer
// distances in both conventions, the Hausdorff distance, F-scores and the
// consistency of normals. It also measures how alike two sets of shapes are, see
// [Sets].
//
// It is not for the defects of one mesh (see [mesh.Measure]).
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
// Points are sampled evenly over the area of each surface. Distances are to the
// other surface's triangles, not to its samples, so they do not depend on sample
// spacing. Lengths are in units of the reference's longest side, the longest
// edge of its axis-aligned box; [Report.Raw] returns them in the reference's own
// units. Nothing is aligned.
//
// Published figures differ in convention. Chamfer L1 is that of Occupancy
// Networks, Chamfer L2 that of the Point Set Generation Network. F-score
// thresholds are fractions of the box's side, as in Tatarchenko et al.
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
