// Package transforms holds the Beam stages: requests in, reports out. Decode,
// Tokenize, Generate, Detokenize and Write are separate PTransforms. Each has a second
// output: the [report.Outcome] of items that end there.
//
// It is not for joining stages (see pipelines), nor for what a model does (see
// transforms/family and models).
//
//	todo, skipped := transforms.SkipDone(s, settings, requests)
//	items, undecoded := transforms.Decode(s, settings, todo)
//	items, failed := transforms.Generate(s, settings, items)
//	written := transforms.Write(s, settings, items)
//	transforms.Publish(s, settings, run, skipped, undecoded, failed, written)
//
// # What passes between stages
//
// Requests and outcomes are small and have JSON coders, so they may cross a shuffle.
// Decoded media never crosses one. It passes as an [*Item] between stages that every
// runner fuses. Beam requires a coder for it, and ours returns an error. A runner that
// does not fuse the stages thus fails at once instead of shuffling frames. A retry
// loses nothing, since a bundle starts with requests.
//
// # Faults
//
// A fault of one item, a panic included, ends that item alone with a [report.Failure].
// A transient fault of the file system is tried three times, and a lost device once
// more, on a new one. A bundle fails for three reasons alone: a model or device that
// cannot be opened, a device lost twice, a cancelled context.
//
// After more failures than Settings.MaxFailed no further input is started. Those in
// progress finish, and the run publishes everything. No runner retries a bundle for
// this.
package transforms
