// Package atomicfile writes a file beside its place and renames it when it is
// whole, so that a reader sees the old bytes or the new ones and nothing between.
//
// It is not for appending or for locking: the last of two writers wins.
//
//	f, err := atomicfile.Create("out/a.parquet")
//	if err != nil {
//		return err
//	}
//	defer f.Abort() // does nothing after Commit
//	if _, err := f.Write(data); err != nil {
//		return err
//	}
//	return f.Commit()
package atomicfile
