// Package systems holds the systems that Morton opens, one file each. A file picks the
// system's parts, under the names of its state dict. cube, octree and quad are Morton's
// own; the others are published ones. Import it to register them with package system.
//
// It is not for the parts themselves: see models/order, input, head, sampler and
// tokenizer.
package systems
