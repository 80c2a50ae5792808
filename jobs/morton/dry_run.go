package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/morton-gen/morton/pipelines"
)

// dryRun reports whether Beam's flag of that name is set. Beam itself uses it for
// Dataflow alone.
func dryRun() bool { return flag.Lookup("dry_run").Value.String() == "true" }

// dryRun prints the graph of a job and the options for its runner, without running it.
func (o *options) dryRun(ctx context.Context, t terminal, job pipelines.Job) error {
	if o.runner() == "dataflow" { // Beam logs both
		slog.SetDefault(slog.New(messages{slog.NewTextHandler(t.out, nil), t.out}))
		return pipelines.DryRun(ctx, job, o.action())
	}
	r, err := pipelines.Request(ctx, job, o.action())
	if err != nil {
		return err
	}
	text, err := protojson.MarshalOptions{Multiline: true}.Marshal(r)
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
	fmt.Fprintln(t.out, string(text))
	return nil
}

// messages is a log handler that prints plain messages.
type messages struct {
	slog.Handler
	w io.Writer
}

// Handle implements [slog.Handler].
func (m messages) Handle(_ context.Context, r slog.Record) error {
	_, err := fmt.Fprintln(m.w, r.Message)
	return err
}
