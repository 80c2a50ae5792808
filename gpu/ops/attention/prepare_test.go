package attention

import (
	"fmt"
	"math"
	"testing"

	"github.com/morton-gen/morton/gpu"
	"github.com/morton-gen/morton/gpu/gputest"
	"github.com/morton-gen/morton/gpu/ops/rope"
)

// turning is a way to rotate: pairs of each axis of a table, or learned.
type turning struct {
	axes    []int
	learned int // heads of frequencies; 0: a table
	half    bool
	coarse  bool // sines and cosines are rounded to bf16
}

// angles returns the angle of pair j of a head of keys for a position.
func (w turning) angles(freq []float32, axis []int32, pos []int32, head, pairs, j int) float64 {
	if w.learned == 0 {
		return float64(float32(pos[axis[j]]) * freq[j])
	}
	var sum float32
	for a := range pos {
		sum += float32(pos[a]) * freq[(a*w.learned+head%w.learned)*pairs+j]
	}
	return float64(sum)
}

// turn is one head, normalized by gain (if there is one) and rotated, in float64.
func (w turning) turn(x []float32, gain []float32, angle func(j int) float64) []float64 {
	dh := len(x)
	y := appendF64(nil, x)
	if gain != nil {
		sum, _ := dot(y, y)
		for c := range y {
			y[c] *= float64(gain[c]) / math.Sqrt(sum/float64(dh)+1e-6)
		}
	}
	for j := range dh / 2 {
		p, q := 2*j, 2*j+1
		if w.half {
			p, q = j, j+dh/2
		}
		sin, cos := math.Sincos(angle(j))
		if w.coarse {
			sin, cos = rounded(sin), rounded(cos)
		}
		y[p], y[q] = y[p]*cos-y[q]*sin, y[p]*sin+y[q]*cos
	}
	return y
}

// rounded is a number in bf16.
func rounded(x float64) float64 {
	u := math.Float32bits(float32(x))
	return float64(math.Float32frombits((u + 0x7fff + u>>16&1) &^ 0xffff))
}

// TestPrepare holds norm, rotation and copy to the oracle, every combination of
// them: queries to f32, keys to halves, values to the bit Cached will read.
func TestPrepare(t *testing.T) {
	gputest.Each(t, func(t *testing.T, dev *gpu.Device) {
		for _, dh := range gputest.Pick(2, []int{6, 32, 20}) {
			for _, norm := range []bool{false, true} {
				for _, w := range []turning{
					{axes: []int{dh / 2}},
					{axes: []int{1, 2, dh/2 - 3}},
					{axes: []int{1, 2, dh/2 - 3}, half: true},
					{axes: []int{dh / 2}, coarse: true},
					{axes: []int{0, 0, 0}, learned: 2},
					{axes: []int{0, 0, 0}, learned: 1, half: true},
				} {
					t.Run(fmt.Sprintf("dh=%d/norm=%v/%+v", dh, norm, w), func(t *testing.T) { testPrepare(t, dev, dh, norm, w) })
				}
			}
		}
	})
}

func testPrepare(t *testing.T, dev *gpu.Device, dh int, norm bool, w turning) {
	const rows, h, g = 5, 4, 2
	s := shape{b: 1, h: h, g: g, dh: dh}
	ld := (h+2*g)*dh + 4
	x, gains := gputest.Normal(1, rows*ld), gputest.Normal(2, 2*dh)
	pos := make([]int32, rows*len(w.axes))
	for i := range pos {
		pos[i] = int32(i*37%100 - 50)
	}
	c := newStore(t, dev, s, 1, 64, 1)
	qkv := gputest.F32(t, dev, x, rows, ld)
	a := PrepareArgs{
		QKV: qkv, LD: ld, Heads: h, KVHeads: g, HeadDim: dh, Cache: c.Cache, Half: w.half, Coarse: w.coarse,
		Seq: gputest.I32(t, dev, make([]int32, rows), rows), Slot: gputest.I32(t, dev, []int32{0, 1, 2, 3, 4}, rows), Pos: gputest.I32(t, dev, pos, rows, len(w.axes)),
	}
	var freq []float32
	var axis []int32
	if w.learned > 0 {
		freq = gputest.Normal(3, len(w.axes)*w.learned*dh/2)
		a.Freq = gputest.F32(t, dev, freq, len(w.axes), w.learned, dh/2)
	} else {
		freq, axis = rope.Table(dh, w.axes, 100)
		a.Freq, a.Axis = gputest.F32(t, dev, freq, dh/2), gputest.I32(t, dev, axis, dh/2)
	}
	var gain [2][]float32
	if norm {
		gain = [2][]float32{gains[:dh], gains[dh:]}
		a.QGain, a.KGain = gputest.F32(t, dev, gain[0], dh), gputest.F32(t, dev, gain[1], dh)
	}
	gputest.Run(t, dev, func(r *gpu.Recorder) { Prepare(r, a) })

	got, keys, values := gputest.Read(t, qkv), wide(t, c.K), wide(t, c.V)
	page, err := c.Table.I32()
	if err != nil {
		t.Fatal(err)
	}
	at := int(page[0]) * 64 * g * dh
	for i := range rows {
		head := func(u, kh int, gain []float32) []float64 {
			return w.turn(x[i*ld+u*dh:][:dh], gain, func(j int) float64 { return w.angles(freq, axis, pos[i*len(w.axes):][:len(w.axes)], kh, dh/2, j) })
		}
		for u := range h {
			want := head(u, u/(h/g), gain[0])
			gputest.Close(t, "query", got[i*ld+u*dh:][:dh], want, []float64{1e-5 * largest(want)})
		}
		for kh := range g {
			want := head(h+kh, kh, gain[1])
			for j, y := range want {
				if k := keys[at+(i*g+kh)*dh+j]; !(math.Abs(k-y) <= math.Abs(y)/1024+1e-5*largest(want)) {
					t.Fatalf("row %d, key head %d: element %d is %g, want %g", i, kh, j, k, y)
				}
				y := float64(x[i*ld+(h+g+kh)*dh+j])
				if v := values[at+(i*g+kh)*dh+j]; !(math.Abs(v-y) <= math.Abs(y)/1024+1e-7) {
					t.Fatalf("row %d, value head %d: element %d is %g, want %g", i, kh, j, v, y)
				}
			}
		}
		sameBits(t, "keys, values and the gap", got[i*ld+h*dh:][:ld-h*dh], x[i*ld+h*dh:][:ld-h*dh])
	}
}

// largest is the greatest magnitude, at least 1.
func largest(x []float64) float64 {
	m := 1.0
	for _, y := range x {
		m = max(m, math.Abs(y))
	}
	return m
}
