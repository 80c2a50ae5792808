package pipelines

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/mesh"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// TestInterruptedRunCounts checks that every request of a run that was cut off is counted
// once: done, failed, cut off, or not begun.
func TestInterruptedRunCounts(t *testing.T) {
	for name, run := range map[string]func(context.Context, Job) (report.Summary, error){"generate": Generate, "tokenize": Tokenize} {
		for _, runner := range []string{"direct", "prism"} {
			t.Run(name+"/"+runner, func(t *testing.T) {
				e := newEcho(shard.KindQuad)
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				var served atomic.Int64
				e.generate = func(request.Request) error {
					switch served.Add(1) {
					case 3:
						return mesh.ErrEmpty
					case 6:
						cancel()
					}
					return nil
				}
				e.tokenize = e.generate
				use(t, request.Quads, e)
				j := job(t, request.Quads, meshes(t)[:12])
				j.Runner, j.Settings.InFlight = runner, 1
				s, err := run(ctx, j)
				if !errors.Is(err, ErrCancelled) {
					t.Fatalf("error %v, want ErrCancelled", err)
				}
				least := 4
				if runner == "prism" { // its bundles run side by side: the end may come between drawing and writing
					least = 1
				}
				if s.Complete || s.Failed != 1 || s.Done < least || s.Unreached < 1 || s.Done+s.Failed+s.CutOff+s.Unreached != 12 {
					t.Errorf("%+v", s)
				}
			})
		}
	}
}
