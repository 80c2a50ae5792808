package main

import "github.com/spf13/cobra"

// evaluateCommand has a subcommand for each kind of media that has measures.
func evaluateCommand(t terminal) *cobra.Command {
	c := newCommand("evaluate video|quads|shape", "evaluate")
	requireKind(c)
	c.AddCommand(evaluateVideoCommand(t), evaluateMeshCommand(t, quadsEvaluation), evaluateMeshCommand(t, shapeEvaluation))
	return c
}
