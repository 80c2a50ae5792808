// Package claim keeps the files of a user's apart from those that runs wrote. A
// marker claims files by path, size and SHA-256; a file that no marker claims is
// never replaced unasked, and an input never at all.
//
// It is not for what stands in markers besides (see transforms/report), and knows
// no Beam.
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
// A process that ends in the middle leaves nothing that the next one does not know
// as ours: what stands at a place is claimed before it stands there.
package claim
