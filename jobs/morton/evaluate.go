package main

import "github.com/spf13/cobra"

// evaluateCommand has a subcommand for each kind of media that can be measured.
func evaluateCommand(t terminal) *cobra.Command {
	c := newCommand("evaluate quads|shape", "evaluate")
	requireKind(c)
	c.AddCommand(evaluateMeshCommand(t, quadsEvaluation), evaluateMeshCommand(t, shapeEvaluation))
	return c
}
