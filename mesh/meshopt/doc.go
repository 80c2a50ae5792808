// Package meshopt decompresses glTF buffer views packed by EXT_meshopt_compression or
// KHR_meshopt_compression.
//
// It is not for compression, nor for Draco, another format.
//
//	data, err := meshopt.Decode(packed, meshopt.View{Mode: "TRIANGLES", Count: 36, Stride: 2})
//
// Sources: A. Kapoulkine and J. St. Pierre, "EXT_meshopt_compression" and
// "KHR_meshopt_compression", extensions in the registry of The Khronos Group, appendices A
// and B. The second adds version 1 of attributes.
package meshopt
