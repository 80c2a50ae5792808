// Command peers runs retopology beside other programs' on held-out meshes.
//
//	peers list -seed 1 -count 100 DIR...     prints mesh files, one a line
//	peers triangles -list FILE -out DIR      writes each as triangles, which the peers read
//	peers table -list FILE NAME=DIR...       measures results, and prints a table
//	peers picture -list FILE -pick A,B -o PNG NAME=DIR...   draws sources and results
//
// scripts/bench-quads puts them together. The peers are never a part of Morton, and
// only run beside it.
package main
