// Package atomicfile writes files so that a reader sees all of a file or none of
// it: the bytes go to a fresh hidden name in the same folder, are synced, and take
// the wanted name by a rename. It is not for appending or for writing in place.
//
//	err := atomicfile.Write("out/results.jsonl", func(w io.Writer) error {
//		return json.NewEncoder(w).Encode(row)
//	})
//
// A writer that lives longer, or wants a path of its own, holds a [File]:
//
//	f, err := atomicfile.Create("out/clip.mp4")
//	if err != nil {
//		return err
//	}
//	defer f.Abort() // does nothing after Commit
//	… write to f.TempPath() or f …
//	return f.Commit()
//
// What must not replace a file goes to its place by [Move], and what may replace
// one known file by [Swap]. Files and folders on their way are named .partial-…;
// those of a process that is gone are removed by [Sweep].
package atomicfile
