// Package transforms holds the Beam stages: requests in, reports out. Decode,
// Tokenize, Generate, Detokenize and Write are PTransforms of their own, and
// each has a second output with the [report.Outcome] of items that end there.
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
// Requests and outcomes are small and have JSON coders, so they may cross a
// shuffle. Decoded media never does: it passes as an [*Item] between stages that
// the runner fuses, as all runners do with stages joined by nothing else. Beam
// wants a coder for it all the same; ours refuses, so a runner that would break
// the chain fails at once and by name instead of moving frames through a shuffle.
// Nothing is lost by a retry: a bundle begins with requests.
//
// # Faults
//
// What is wrong with one item, a panic included, ends that item with a
// [report.Failure] and no other. A transient fault of the file system is tried
// again three times, a lost device once, on a new one. Only a model or device
// that cannot be opened at all, a device lost twice and a cancelled context fail
// a bundle.
//
// After more failures than Settings.MaxFailed no further input is begun; those
// under way come to their end, and the run ends as any other, with all of it
// published. So nothing is lost, and no runner tries a bundle again for it.
package transforms
