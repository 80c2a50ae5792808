package cube

import (
	"errors"
	"testing"

	"github.com/morton-gen/morton/models/nn"
)

func TestParseUnits(t *testing.T) {
	for text, want := range map[string]Units{
		"1x8x8/4": {Group: [3]int{1, 8, 8}, Sets: 4},
		"2x4x1":   {Group: [3]int{2, 4, 1}, Sets: 1},
	} {
		if u, err := ParseUnits(text); err != nil || u != want {
			t.Errorf("%q: %v, %v", text, u, err)
		}
	}
	for _, text := range []string{"", "4", "1x4", "1x4x4x4", "1x4x4/", "1x4x4/4/4", "axbxc", "1x4x/4", "/4"} {
		if u, err := ParseUnits(text); !errors.Is(err, nn.ErrConfig) {
			t.Errorf("%q: %v, %v", text, u, err)
		}
	}
}

func TestWithUnits(t *testing.T) {
	c := Config{Size: 64, Cell: [3]int{4, 8, 8}, Group: [3]int{1, 8, 8}, Canvas: true, Rate: [2]int{25, 1}}
	if got := c.With(Units{[3]int{1, 4, 4}, 4}); !got.Canvas || got.Sets != 4 {
		t.Errorf("%+v", got)
	}
	if got := c.With(Units{[3]int{2, 4, 4}, 1}); got.Canvas {
		t.Error("two frames of cells have a canvas")
	}
	if err := c.With(Units{[3]int{1, 8, 8}, 2}).Validate(); !errors.Is(err, nn.ErrConfig) {
		t.Errorf("two sets: %v", err)
	}
}
