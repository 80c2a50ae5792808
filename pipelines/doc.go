// Package pipelines joins the stages of package transforms into graphs: generate, tokenize
// and detokenize. The same graph runs on Prism, Flink, Dataflow and the direct runner, the
// local default, which opens no port.
//
// It is not for flags and printing (see jobs) or for what a stage does (see transforms).
//
//	job := pipelines.Job{
//		Settings: transforms.Settings{Spec: family.Spec{Family: request.Quads}, Out: "out"},
//		Requests: requests,
//	}
//	summary, err := pipelines.Generate(ctx, job)
//
// beam.Init must be called first.
package pipelines
