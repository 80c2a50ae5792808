// Package report holds what a run says about itself: one row a result, one a
// failure, the done-marker beside each result, and the files that people and
// programs look at afterwards: results.jsonl, failures.jsonl, summary.json,
// tokens.parquet and the page index.html.
//
// It is not for making results, and knows no Beam.
//
//	summary, err := report.Publish("out", outcomes, report.Run{Title: "Morton", Page: true})
//
// A run into a folder where others have been keeps their rows: a row is replaced
// by one of the same family and id.
package report
