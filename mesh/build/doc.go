// Package build assembles meshes for the readers of mesh files. It enforces
// limits, drops degenerate faces and counts what it dropped.
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
