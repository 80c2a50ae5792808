// Package system says what a generator is: a network, and the parts around it. The
// engine and the trainer know no other kind.
//
// A [Schedule] says what is predicted when, as runs of rows. An [Input] says what
// stands at a row. A [Trunk] is the network, a [Head] turns its hidden states into
// tokens, and [Sampling] and a [Rule] say how one token is drawn.
//
// It is not for how a system runs (see models/engine) nor how it learns (models/train).
//
// Letters: n rows, m draws, k fixed ids, f fed tokens, a axes, h directions.
package system
