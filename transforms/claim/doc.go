// Package claim distinguishes a user's files from those that runs wrote. A marker
// claims files by path, size and SHA-256. A file that no marker claims is replaced
// only on request, and an input never.
//
// It is not for the rest of a marker (see transforms/report), and does not depend
// on Beam.
//
//	b, err := claim.Begin("out")
//	if err != nil {
//		return err
//	}
//	defer b.End()
//	… write to b.Path("video/a.mp4")
//	files, err := b.Seal()
//	if err := b.Check(old, policy); err != nil { // nothing has changed so far
//		return err
//	}
//	… write a marker that claims old and files
//	if err := b.Place(old, policy); err != nil {
//		return err
//	}
//	… write the marker that claims files
//
// A file is claimed before it is moved to its place. So the next process
// recognises everything that a killed one left.
package claim
