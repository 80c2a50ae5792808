// Package vk holds the Vulkan calls Morton uses, and no policy: which device to
// take, where memory comes from and what runs when is package gpu's business.
//
// vulkan-go supplies instance-level enumeration, memory, buffers and types. Its
// calls that take slices, or structs holding slices, keep C copies that a
// finalizer frees while the call still runs, so instances, devices, pipelines,
// recording and submission, and every call newer than Vulkan 1.0, go through one
// C shim (shim.h) that takes flat arrays.
package vk
