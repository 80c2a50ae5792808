// Package report writes the reports of a run. Each result and failure is a row, and each result has a
// marker. The files are results.jsonl, failures.jsonl, summary.json, tokens.parquet and index.html.
//
// It is not for making results, and does not depend on Beam.
//
//	summary, err := report.Publish("out", outcomes, report.Run{Action: report.Generate, Begun: begun})
//
// A run keeps the rows of earlier runs in the same folder. A row replaces an older one of the same
// family and id.
package report
