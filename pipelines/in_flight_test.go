package pipelines

import (
	"context"
	"testing"

	"github.com/morton-gen/morton/transforms"
	"github.com/morton-gen/morton/transforms/request"
)

// TestInFlight counts the requests that are begun and not done, and those with the model.
func TestInFlight(t *testing.T) {
	for _, n := range []int{1, 3} {
		e := newEcho("quad")
		use(t, request.Quads, e)
		j := job(t, request.Quads, meshes(t)[:12])
		j.Runner, j.Settings.InFlight = "direct", n
		now, most := 0, 0 // the direct runner has one bundle, and so one goroutine that tells
		transforms.Observe(func(v transforms.Event) {
			switch v.Kind {
			case transforms.Begun:
				now++
			case transforms.Finished, transforms.Failed:
				now--
			}
			most = max(most, now)
		})
		s, err := Generate(context.Background(), j)
		transforms.Observe(nil)
		if err != nil || s.Done != 12 {
			t.Fatal(err, s)
		}
		if most != n || int(e.most.Load()) > n || now != 0 {
			t.Errorf("%d in flight: %d begun at once, %d with the model, %d at the end", n, most, e.most.Load(), now)
		}
	}
}
