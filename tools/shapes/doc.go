// Command shapes draws token shards for the octree and quad models, trains them, and shows
// meshes side by side. Its samples are parametric shapes (see tools/corpus/parametric), and
// copies of mesh files that are turned, mirrored and stretched. Equal flags give equal bytes,
// whatever the number of processors. See docs/corpus.md.
//
//	go run ./tools/shapes draw --kind quads --count 20000 --from corpus/quads/train --copies 2 --out shards/quad-train
//	go run ./tools/shapes draw --kind shape --side heldout --count 200 --depth 6 --out shards/octree-heldout
//	go run ./tools/shapes train --system quad --tokens shards/quad-train --heldout shards/quad-heldout --minutes 60 --out out/models/quad
//	go run ./tools/shapes bits --model out/models/octree --tokens shards/octree-train --heldout shards/octree-heldout
//	go run ./tools/shapes draw --kind mesh --upright --count 64 --out meshes
//	go run ./tools/shapes picture --out sheet.jpg out/shape/*.glb
//
// It is a tool for developers. It links neither FFmpeg nor Beam, so it also runs on a
// machine that only trains.
package main
