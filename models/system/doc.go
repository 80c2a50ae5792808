// Package system says what a generator is: a network, and the parts around it. The
// engine and the trainer know no other kind.
//
// A [Schedule] says what is predicted when, as runs of rows. An [Input] makes the
// vector of a row. A [Trunk] is the network. A [Head] turns its hidden states into
// tokens. [Sampling] and a [Constraint] say how one token is drawn.
//
// It is not for running a system (see models/engine) nor for training (models/train).
// docs/tutorial/new-system.md adds a system, and docs/glossary.md has the words.
//
// Letters: n rows, m targets, k fixed ids, f input tokens, a axes, h directions.
package system
