package pipelines

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/report"
)

// A chain connects one branch of requests through fused stages to outcomes.
type chain func(s beam.Scope, settings transforms.Settings, requests beam.PCollection) []beam.PCollection

// generateChain is requests -> skip what is done -> decode -> generate -> write.
func generateChain(s beam.Scope, settings transforms.Settings, requests beam.PCollection) []beam.PCollection {
	todo, skipped := transforms.SkipDone(s, settings, requests)
	decoded, undecoded := transforms.Decode(s, settings, todo)
	generated, failed := transforms.Generate(s, settings, decoded)
	return []beam.PCollection{skipped, undecoded, failed, transforms.Write(s, settings, generated)}
}

// tokenizeChain is requests -> skip what is done -> decode -> tokenize -> write.
func tokenizeChain(s beam.Scope, settings transforms.Settings, requests beam.PCollection) []beam.PCollection {
	todo, skipped := transforms.SkipDone(s, settings, requests)
	decoded, undecoded := transforms.Decode(s, settings, todo)
	tokenized, failed := transforms.Tokenize(s, settings, decoded)
	return []beam.PCollection{skipped, undecoded, failed, transforms.Write(s, settings, tokenized)}
}

// detokenizeChain is requests -> skip what is done -> read and detokenize -> write.
func detokenizeChain(s beam.Scope, settings transforms.Settings, requests beam.PCollection) []beam.PCollection {
	todo, skipped := transforms.SkipDone(s, settings, requests)
	media, failed := transforms.Detokenize(s, settings, todo)
	return []beam.PCollection{skipped, failed, transforms.Write(s, settings, media)}
}

var chains = map[string]chain{report.Generate: generateChain, report.Tokenize: tokenizeChain, report.Detokenize: detokenizeChain}

// build builds the graph of a job: requests of the manifest, split into
// branches, each through the chain, and all outcomes published together.
func build(s beam.Scope, job Job, manifest string, c chain) {
	var outcomes []beam.PCollection
	for _, branch := range transforms.Spread(s, job.Workers, transforms.ReadRequests(s, manifest)) {
		outcomes = append(outcomes, c(s, job.Settings, branch)...)
	}
	if job.Settings.Action == report.Tokenize {
		outcomes = []beam.PCollection{transforms.JoinShards(s, job.Settings, beam.Flatten(s, outcomes...))}
	}
	transforms.Publish(s, job.Settings, job.run(), outcomes...)
}

func (j *Job) run() report.Run {
	run := report.Run{Name: j.Settings.Run, Action: j.Settings.Action, Command: j.Command, Begun: j.Begun, Asked: len(j.Requests), Overwrite: j.Settings.Overwrite}
	if run.Action == report.Tokenize {
		run.Own = j.Settings.Spec.Family
	}
	return run
}
