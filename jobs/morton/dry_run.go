package main

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/morton-gen/morton/pipelines"
)

// dryRun reports whether Beam's flag of that name is set. Beam itself uses it for
// Dataflow alone.
func dryRun() bool { return flag.Lookup("dry_run").Value.String() == "true" }

// dryRun prints the graph of a job and the options for its runner, without running it.
func (o *options) dryRun(ctx context.Context, t terminal, job pipelines.Job) error {
	r, err := pipelines.Request(ctx, job, o.action())
	if err != nil {
		return err
	}
	text := ""
	if o.runner() == "dataflow" {
		text, err = pipelines.DataflowRequest(ctx, job, o.action())
	} else {
		var data []byte
		data, err = protojson.MarshalOptions{Multiline: true}.Marshal(r)
		text = string(data)
	}
	if err != nil {
		return err
	}
	if !o.json {
		transforms := r.GetPipeline().GetComponents().GetTransforms()
		fmt.Fprintf(t.out, "graph of %s, %s:\n", many(len(transforms), "transform"), many(len(job.Requests), "request"))
		for _, root := range r.GetPipeline().GetRootTransformIds() {
			fmt.Fprintf(t.out, "  %s\n", transforms[root].GetUniqueName())
			for _, sub := range transforms[root].GetSubtransforms() {
				fmt.Fprintf(t.out, "    %s\n", strings.TrimPrefix(transforms[sub].GetUniqueName(), transforms[root].GetUniqueName()+"/"))
			}
		}
		fmt.Fprintf(t.out, "request to %s:\n", o.runner())
	}
	fmt.Fprintln(t.out, text)
	return nil
}
