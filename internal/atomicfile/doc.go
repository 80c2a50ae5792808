// Package atomicfile writes small files so that a reader sees all of a file or
// none of it. It is not for appending, nor for files too large for one pass.
//
//	err := atomicfile.Write("out/results.jsonl", func(w io.Writer) error {
//		return json.NewEncoder(w).Encode(row)
//	})
package atomicfile
