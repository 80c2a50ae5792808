package faces

import (
	"errors"
	"testing"

	"github.com/morton-gen/morton/mesh/sequence"
	"github.com/morton-gen/morton/models/nn"
)

// TestTrainedFaces takes three quarters of meshes of 1 to 9 faces, their end tokens
// and points not counted.
func TestTrainedFaces(t *testing.T) {
	c := Config{Levels: 128, Points: 10}
	var data []int
	for _, n := range []int{9, 1, 8, 2, 7, 3, 6, 4, 5} {
		data = append(data, c.Points+n*sequence.FaceTokens+1)
	}
	if got := c.TrainedFaces(data); got != 7 {
		t.Errorf("of 1 to 9: %d, want 7", got)
	}
	if got := c.TrainedFaces(data[:1]); got != 9 {
		t.Errorf("of one: %d, want 9", got)
	}
	if got := c.TrainedFaces(nil); got != 0 {
		t.Errorf("of none: %d", got)
	}
}

func TestDefaultFaces(t *testing.T) {
	for _, c := range []struct{ faces, length, want int }{
		{188, 16384, 188}, {0, 10 + 5*sequence.FaceTokens + 1, 5}, {0, 10 + 5*sequence.FaceTokens, 4}, {0, 1, 1},
	} {
		if got := (Config{Levels: 128, Points: 10, Faces: c.faces}).DefaultFaces(c.length); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
	for _, faces := range []int{-1, maxFaces + 1} {
		if err := (Config{Levels: 128, Points: 10, Faces: faces}).Validate(); !errors.Is(err, nn.ErrConfig) {
			t.Errorf("%d faces: %v", faces, err)
		}
	}
}
