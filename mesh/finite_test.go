package mesh

import (
	"errors"
	"math"
	"reflect"
	"testing"
)

func TestRemoveNonFinite(t *testing.T) {
	m := Cube()
	if out, n, err := RemoveNonFinite(m); out != m || n != 0 || err != nil {
		t.Errorf("a finite mesh: %d, %v", n, err)
	}
	bad := Clone(m)
	bad.Vertices = append([]Vec3{{math.NaN(), 0, 0}}, bad.Vertices...)
	bad.Vertices = append(bad.Vertices, Vec3{0, math.Inf(-1), 0})
	for i := range bad.Corners {
		bad.Corners[i]++
	}
	before := Clone(bad)
	out, n, err := RemoveNonFinite(bad)
	if err != nil || n != 2 || !reflect.DeepEqual(out, m) || !reflect.DeepEqual(bad.Corners, before.Corners) {
		t.Errorf("%d removed, %+v, %v", n, out, err)
	}
	bad.Corners[5] = 0
	if _, _, err := RemoveNonFinite(bad); !errors.Is(err, ErrNotFinite) {
		t.Errorf("used by a face: %v", err)
	}
}
