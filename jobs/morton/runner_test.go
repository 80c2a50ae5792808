package main

import (
	"context"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
)

// TestRunnersAreLinked asks each distant runner for a run without the flags it needs,
// which is an error; one that is not linked would end the process. Staging writes to
// gs://, and Beam panics without that file system.
func TestRunnersAreLinked(t *testing.T) {
	defer resetRunner(t)
	for _, name := range []string{"dataflow", "flink", "universal"} {
		p, s := beam.NewPipelineWithRoot()
		beam.Impulse(s)
		if _, err := beam.Run(context.Background(), name, p); err == nil {
			t.Errorf("%s ran without flags", name)
		}
	}
	filesystem.ValidateScheme("gs://bucket/object")
	filesystem.ValidateScheme("object")
}
