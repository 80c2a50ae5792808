// Command morton turns videos and meshes into tokens, and tokens into new video
// and 3D.
//
//	morton generate video --input 'clips/*.mp4' --prefix 16 --frames 48 --out out/
//	morton help
//
// The same binary is the worker that a Beam runner starts: with --worker it
// serves the runner and knows no subcommands. Nothing here decides what a stage
// does (see transforms) or how stages join (see pipelines).
package main
