package gltf

import (
	"fmt"
	"math"
)

// Limits bounds what a file may make the reader allocate. A zero field takes
// its default. Every bound is checked before the memory is asked for.
type Limits struct {
	FileBytes int64 // the file and its buffers together; default 1 GiB
	Objects   int   // JSON objects in the document; default 262,144
	Values    int   // JSON values in the document; default 4,194,304
	Vertices  int   // vertices read, over all instances; default 8,388,608
	Corners   int   // face corners read, over all instances; default 33,554,432
}

// Defaults of Limits. At these, a hostile file costs at most about 120 MB of
// document for its objects (0.5 kB each in Go) and 160 MB for its values (40
// bytes), then about 130 bytes a vertex and 25 a corner while they are read.
const (
	defaultFileBytes = 1 << 30
	defaultObjects   = 1 << 18
	defaultValues    = 1 << 22
	defaultVertices  = 1 << 23
	defaultCorners   = 1 << 25
)

// workPerVertex bounds the time a file may take: morph targets and joint
// influences are charged to a budget of this many times Limits.Vertices.
const workPerVertex = 16

// filled returns l with defaults in place of zeros, and no bound above what
// 32-bit indices of package mesh can hold.
func (l Limits) filled() Limits {
	fill := func(x *int, value int) {
		if *x <= 0 {
			*x = value
		}
		*x = min(*x, math.MaxInt32)
	}
	if l.FileBytes <= 0 {
		l.FileBytes = defaultFileBytes
	}
	fill(&l.Objects, defaultObjects)
	fill(&l.Values, defaultValues)
	fill(&l.Vertices, defaultVertices)
	fill(&l.Corners, defaultCorners)
	return l
}

// budget is what is left of a file's limits.
type budget struct {
	bytes    int64
	vertices int
	corners  int
	work     int
}

func (l Limits) budget() budget {
	return budget{l.FileBytes, l.Vertices, l.Corners, workPerVertex * l.Vertices}
}

func (b *budget) spendBytes(n int64) error {
	if n > b.bytes {
		return fmt.Errorf("%w: %d bytes, %d left of Limits.FileBytes", ErrLimit, n, b.bytes)
	}
	b.bytes -= n
	return nil
}

func (b *budget) spendVertices(n int) error { return spend(&b.vertices, n, "vertices") }
func (b *budget) spendCorners(n int) error  { return spend(&b.corners, n, "corners") }
func (b *budget) spendWork(n int) error     { return spend(&b.work, n, "units of work") }

func spend(left *int, n int, what string) error {
	if n > *left {
		return fmt.Errorf("%w: %d %s, %d left", ErrLimit, n, what, *left)
	}
	*left -= n
	return nil
}
