// Package systems holds the published systems that Morton opens, one file each. A file
// picks the system's parts, under the names of its state dict. Import it to register
// them with package system.
//
// It is not for the parts themselves: see models/order, input, head and sampler.
package systems
