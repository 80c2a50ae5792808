// Package launch holds what the operations share on the Go side: checks of
// their operands, and kernels out of a folder's embedded SPIR-V.
//
//	err := launch.Check("norm.RMS", launch.F32("X", a.X, n*d), launch.Optional(launch.F32("RStd", a.RStd, n)))
//
// It is not for anything a kernel computes.
package launch
