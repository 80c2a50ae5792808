// Package rigs is the tokenizer of skinned meshes. A rig is the points of its surface, then
// its joints in breadth-first order, each a place and a parent, then the influences of the points.
// Any surface gives points; what a model draws behind them becomes a skeleton with weights for
// the surface's vertices.
//
// It is not for the order of these tokens (see order.Rig) nor for rigs themselves (mesh/rig).
//
// Source: the task is RigAnything's, arXiv:2502.09615.
package rigs
