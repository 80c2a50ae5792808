// Package refine makes tokens of real numbers in several passes. A network looks at the
// tokens and says how to change them, as in diffusion and in flow matching. A pass is a
// row of a table. What differs from pass to pass lies on the device, so one recorded
// program serves all of them.
//
//	refine.Begin(rec, refine.BeginArgs{State: s, Draw: rows.Draw, Temp: rows.Temp, Scale: rows.Scale, Canvas: rows.Canvas, Picks: picks})
//	refine.Step(rec, refine.StepArgs{State: s, Out: out, Table: table}) // once a pass
//
// Random numbers are Philox with a counter of position, request, pass and element, so
// they do not depend on who else is in the step.
//
// It is not for the network (see models/head) nor for tokens of indices (gpu/ops/sample).
//
// Letters: m draws, c numbers a token, p passes of the table.
package refine
