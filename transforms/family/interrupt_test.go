package family

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/octree/remesh"
	"github.com/morton-gen/morton/transforms/request"
)

// TestInterruptEndsRemesh interrupts a remesh in its one depth, which takes many seconds.
func TestInterruptEndsRemesh(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("stop")
	time.AfterFunc(100*time.Millisecond, func() { cancel(cause) })
	begun := time.Now()
	f := &remeshing{room: make(chan struct{}, 1)}
	_, err := f.Generate(ctx, request.Request{ID: "a", Depth: remesh.MaxDepth}, Media{Mesh: mesh.QuadSphere(10)})
	if took := time.Since(begun); err != cause || took > 2*time.Second {
		t.Errorf("%v after %v, want %v within 2 s", err, took, cause)
	}
}
