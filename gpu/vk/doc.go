// Package vk holds the Vulkan calls Morton uses, and no policy: which device to
// take, where memory comes from and what runs when is package gpu's business.
//
// vulkan-go supplies instance-level enumeration, memory, buffers and types. Its calls with
// slices, or with structs that have slices, keep C copies, and a finalizer may free them
// while the call still runs. So instances, devices, pipelines, recording and submission go
// through one C shim (shim.h) that takes flat arrays, and so does every call newer than
// Vulkan 1.0.
package vk
