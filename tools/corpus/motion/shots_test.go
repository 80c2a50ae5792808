package motion

import (
	"reflect"
	"testing"

	"github.com/morton-gen/morton/codecs/clip"
)

func TestShots(t *testing.T) {
	src := ramp(200, 150)
	pan := func(x, y float64, frames int) *clip.Clip {
		return Render(src, Path{
			Shape: Shape{Frames: frames, Size: 32},
			From:  Window{X: x, Y: y, Side: 32}, To: Window{X: x + 2*float64(frames-1), Y: y, Side: 32},
		})
	}
	a, b := pan(20, 30, 12), pan(150, 120, 9)
	joined := &clip.Clip{T: 21, H: 32, W: 32, Pix: append(append([]uint8(nil), a.Pix...), b.Pix...)}
	for _, c := range []struct {
		clip *clip.Clip
		want []int
	}{{a, []int{0}}, {joined, []int{0, 12}}, {src, []int{0}}} {
		if got := Shots(c.clip); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%d frames: shots at %v, want %v", c.clip.T, got, c.want)
		}
	}
}
