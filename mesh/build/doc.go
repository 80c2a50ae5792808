// Package build puts meshes together for the readers of mesh files: it keeps to
// their limits, drops what is no face and counts what it dropped.
//
// It is not for meshes that a program makes itself (see package mesh).
//
//	b := build.New(limits)
//	for ... {
//		if err := b.Vertex(p); err != nil {
//			return err
//		}
//	}
//	for ... {
//		if err := b.Face(corners); err != nil {
//			return err
//		}
//	}
//	m, counts, err := b.Finish()
package build
