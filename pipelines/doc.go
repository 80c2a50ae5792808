// Package pipelines joins the stages of package transforms into the graphs that
// the command runs: generate, tokenize and detokenize. The same graph runs on the
// direct runner, which is the local default and opens no port, on Prism, Flink
// and Dataflow.
//
// It is not for flags and printing (see jobs), nor for what a stage does.
//
//	job := pipelines.Job{
//		Settings: transforms.Settings{Spec: family.Spec{Family: request.Quads}, Out: "out"},
//		Requests: requests,
//	}
//	summary, err := pipelines.Generate(ctx, job)
//
// Package beam's Init must have run before.
package pipelines
