// Package report writes what a run says about itself. A result and a failure are a
// row each, and a marker stands beside each result. People and programs read the
// files: results.jsonl, failures.jsonl, summary.json, tokens.parquet and index.html.
//
// It is not for making results, and knows no Beam.
//
//	summary, err := report.Publish("out", outcomes, report.Run{Action: report.Generate, Begun: begun})
//
// A run keeps the rows of earlier runs into the same folder. A row replaces an older
// one of the same family and id.
package report
