package gltf

import (
	"fmt"

	"github.com/morton-gen/morton/mesh/limit"
)

// Limits bounds what a file may make the reader allocate. Every bound is checked
// before the memory is asked for.
//
// At the defaults a hostile file costs at most about 120 MB for its objects (0.5
// kB each in Go) and 160 MB for its values (40 bytes), then about 130 bytes per
// vertex and 25 per corner during reading.
type Limits = limit.Limits

// Defaults of two limits, which count all instances of a mesh.
const (
	defaultVertices = 1 << 23
	defaultCorners  = 1 << 25
)

// workPerVertex bounds the time for a file: morph targets, joint influences and
// instances count against a budget of workPerVertex times Limits.Vertices.
const workPerVertex = 16

// filled returns l with defaults in place of zeros.
func filled(l Limits) Limits {
	if l.Vertices == 0 {
		l.Vertices = defaultVertices
	}
	if l.Corners == 0 {
		l.Corners = defaultCorners
	}
	return l.WithDefaults()
}

// budget is the remainder of a file's limits.
type budget struct {
	all      Limits
	bytes    int64
	vertices int
	corners  int
	work     int
}

func newBudget(l Limits) budget {
	return budget{l, l.Bytes, l.Vertices, l.Corners, workPerVertex * l.Vertices}
}

func (b *budget) spendBytes(n int64) error {
	if n > b.bytes {
		return fmt.Errorf("%d bytes beside %d others: %w", n, b.all.Bytes-b.bytes, limit.Over(limit.Bytes, b.all.Bytes))
	}
	b.bytes -= n
	return nil
}

func (b *budget) spendVertices(n int) error {
	if n > b.vertices {
		return fmt.Errorf("%d vertices beside %d others: %w", n, b.all.Vertices-b.vertices, limit.Over(limit.Vertices, int64(b.all.Vertices)))
	}
	b.vertices -= n
	return nil
}

func (b *budget) spendCorners(n int) error {
	if n > b.corners {
		return fmt.Errorf("%d face corners beside %d others: %w", n, b.all.Corners-b.corners, limit.Over(limit.Corners, int64(b.all.Corners)))
	}
	b.corners -= n
	return nil
}

func (b *budget) spendWork(n int) error {
	if n > b.work {
		return fmt.Errorf("vertices moved by morph targets, joints and instances, each a sixteenth: %w",
			limit.Over(limit.Vertices, int64(b.all.Vertices)))
	}
	b.work -= n
	return nil
}
