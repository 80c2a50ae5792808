// Package systems holds the systems that Morton opens, one file each: its parts, by
// the names of its published state dict. Import it for its effect on package system.
//
// It is not for the parts themselves: see models/order, input, head and sampler.
package systems
