// Package atomicfile writes files atomically: the bytes are written to a hidden
// temporary file in the same folder, synced, and renamed. It is not for appending
// or for writing in place.
//
//	err := atomicfile.Write("out/results.jsonl", func(w io.Writer) error {
//		return json.NewEncoder(w).Encode(row)
//	})
//
// For a longer write, or one that needs a path, use a [File]:
//
//	f, err := atomicfile.Create("out/clip.mp4")
//	if err != nil {
//		return err
//	}
//	defer f.Abort() // does nothing after Commit
//	… write to f.TempPath() or f …
//	return f.Commit()
//
// [Move] renames without replacing, and [Swap] replaces one known file. Temporary
// files and folders are named .partial-…; [Sweep] removes those of dead processes.
package atomicfile
