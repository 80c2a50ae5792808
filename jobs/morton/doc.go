// Command morton turns videos and meshes into tokens, and tokens into new video
// and 3D.
//
//	morton generate video --input 'clips/*.mp4' --prefix 16 --frames 48 --out out/
//	morton help
//
// The same binary is the worker of a Beam runner: with --worker it serves the
// runner and has no subcommands. It is not for what a stage does (see transforms)
// or how stages are joined (see pipelines).
package main
