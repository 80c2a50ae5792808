package safetensors

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// TestF16Exhaustive widens all 2^16 patterns, compares them with the value
// computed by definition, and narrows them back.
func TestF16Exhaustive(t *testing.T) {
	for i := range 1 << 16 {
		bits := uint16(i)
		got := F16ToFloat32(bits)
		exp, frac := int(bits>>10)&31, float64(bits&1023)
		want := math.Ldexp(frac, -24)
		switch {
		case exp == 31 && frac != 0:
			if got == got || Float32ToF16(got)&^0x200 != bits&^0x200 {
				t.Fatalf("NaN %#04x becomes %v, back %#04x", bits, got, Float32ToF16(got))
			}
			continue
		case exp == 31:
			want = math.Inf(1)
		case exp > 0:
			want = math.Ldexp(1024+frac, exp-25)
		}
		if bits>>15 == 1 {
			want = -want
		}
		if float64(got) != want || math.Signbit(float64(got)) != (bits>>15 == 1) {
			t.Fatalf("%#04x is %v, want %v", bits, got, want)
		}
		if back := Float32ToF16(got); back != bits {
			t.Fatalf("%#04x → %v → %#04x", bits, got, back)
		}
	}
}

// TestRoundsToNearestEven narrows the point between every two neighbours and
// the points next to it.
func TestRoundsToNearestEven(t *testing.T) {
	for _, c := range []struct {
		name   string
		widen  func(uint16) float32
		narrow func(float32) uint16
		last   uint16 // largest finite
	}{
		{"F16", F16ToFloat32, Float32ToF16, 0x7bff},
		{"BF16", BF16ToFloat32, Float32ToBF16, 0x7f7f},
	} {
		for bits := range c.last {
			low, high := c.widen(bits), c.widen(bits+1)
			middle := float32((float64(low) + float64(high)) / 2)
			even := bits + bits&1
			got := [3]uint16{
				c.narrow(math.Nextafter32(middle, low)),
				c.narrow(middle),
				c.narrow(math.Nextafter32(middle, high)),
			}
			if want := [3]uint16{bits, even, bits + 1}; got != want {
				t.Fatalf("%s: around %v got %#04x, want %#04x", c.name, middle, got, want)
			}
			if neg := c.narrow(-middle); neg != even|0x8000 {
				t.Fatalf("%s: %v became %#04x", c.name, -middle, neg)
			}
		}
	}
}

func TestNarrowEdges(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		x         float32
		f16, bf16 uint16
	}{
		{0, 0, 0},
		{float32(math.Copysign(0, -1)), 0x8000, 0x8000},
		{65504, 0x7bff, 0x4780},
		{65519.996, 0x7bff, 0x4780},
		{65520, 0x7c00, 0x4780}, // half way to 2^16, whose pattern is even
		{1e30, 0x7c00, 0x714a},
		{inf, 0x7c00, 0x7f80},
		{-inf, 0xfc00, 0xff80},
		{math.MaxFloat32, 0x7c00, 0x7f80},
		{math.SmallestNonzeroFloat32, 0, 0},
	} {
		if got := Float32ToF16(c.x); got != c.f16 {
			t.Errorf("F16 of %v is %#04x, want %#04x", c.x, got, c.f16)
		}
		if got := Float32ToBF16(c.x); got != c.bf16 {
			t.Errorf("BF16 of %v is %#04x, want %#04x", c.x, got, c.bf16)
		}
	}
	nan := math.Float32frombits(0x7f800001) // its payload is lost by cutting
	if x := F16ToFloat32(Float32ToF16(nan)); x == x {
		t.Errorf("NaN became %v in F16", x)
	}
	if x := BF16ToFloat32(Float32ToBF16(nan)); x == x {
		t.Errorf("NaN became %v in BF16", x)
	}
}

func TestFromFloat32s(t *testing.T) {
	values := []float32{0.5, -1, 3, 1024}
	for _, d := range []DType{F32, F16, BF16} {
		tensor, err := FromFloat32s("w", d, []int{2, 2}, values)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tensor.Float32s()
		if err != nil || !slices.Equal(got, values) {
			t.Errorf("%v: %v, %v", d, got, err)
		}
	}
	if _, err := FromFloat32s("w", I32, []int{4}, values); !errors.Is(err, ErrDType) {
		t.Errorf("I32: %v, want ErrDType", err)
	}
	if _, err := FromFloat32s("w", F16, []int{3}, values); !errors.Is(err, ErrTensor) {
		t.Errorf("wrong shape: %v, want ErrTensor", err)
	}
	if _, err := (Tensor{U8, []int{1}, []byte{1}}).Float32s(); !errors.Is(err, ErrDType) {
		t.Errorf("U8: %v, want ErrDType", err)
	}
}

func TestReadFloat32s(t *testing.T) {
	for _, d := range []DType{F32, F16, BF16} {
		x, err := FromFloat32s("x", d, []int{5}, []float32{0, 1, 2, 3, 4})
		if err != nil {
			t.Fatal(err)
		}
		for at := range 6 {
			for n := range 6 - at {
				got := make([]float32, n)
				if err := x.ReadFloat32s(got, at); err != nil {
					t.Fatal(err)
				}
				for i, v := range got {
					if v != float32(at+i) {
						t.Errorf("%v: element %d is %g", d, at+i, v)
					}
				}
			}
			if err := x.ReadFloat32s(make([]float32, 6-at), at); !errors.Is(err, ErrTensor) {
				t.Errorf("%v: one element too many from %d: %v", d, at, err)
			}
		}
		if err := x.ReadFloat32s(nil, -1); !errors.Is(err, ErrTensor) {
			t.Errorf("%v: from -1: %v", d, err)
		}
	}
	if err := (Tensor{DType: I64, Data: make([]byte, 8)}).ReadFloat32s(make([]float32, 1), 0); !errors.Is(err, ErrDType) {
		t.Errorf("of I64: %v", err)
	}
}

// TestManyFloats widens more elements than one goroutine takes.
func TestManyFloats(t *testing.T) {
	values := make([]float32, 2*widenAtOnce+5)
	for i := range values {
		values[i] = float32(i % 2048)
	}
	for _, d := range []DType{F32, F16} {
		x, err := FromFloat32s("x", d, []int{len(values)}, values)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := x.Float32s(); err != nil || !slices.Equal(got, values) {
			t.Errorf("%v: %v", d, err)
		}
	}
}
