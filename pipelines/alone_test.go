package pipelines

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/morton-gen/morton/codecs/shard"
	"github.com/morton-gen/morton/transforms/report"
	"github.com/morton-gen/morton/transforms/request"
)

// TestTwoRunsAtOnce checks that a run is refused while another one writes results of the
// same family into its folder. The other one loses nothing. The folder is free after its end.
func TestTwoRunsAtOnce(t *testing.T) {
	e := newEcho(shard.KindQuad)
	j := job(t, request.Quads, meshes(t)[:2])
	var refused, asked error
	e.generate = func(request.Request) error {
		if refused == nil {
			other := j
			_, refused = Generate(context.Background(), other)
			asked = CheckJobs(context.Background(), other, report.Generate)
			if !Busy(j.Settings.Out) {
				t.Error("the folder is not busy")
			}
		}
		return nil
	}
	use(t, request.Quads, e)
	s, err := Generate(context.Background(), j)
	if err != nil || s.Done != 2 {
		t.Fatalf("%+v, %v", s, err)
	}
	for _, err := range []error{refused, asked} {
		if !errors.Is(err, ErrOut) || !strings.Contains(err.Error(), "another run writes into it") {
			t.Errorf("the other run: %v", err)
		}
	}
	if s, err = Generate(context.Background(), j); err != nil || s.Skipped != 2 {
		t.Errorf("afterwards: %+v, %v", s, err)
	}
	if Busy(j.Settings.Out) {
		t.Error("the folder is busy afterwards")
	}
}
