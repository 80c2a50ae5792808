package main

import (
	"encoding/binary"
	"slices"
	"testing"
)

// TestForbidContraction takes a module of a type and four instructions: of the sums and
// products each is decorated once, before the types, and nothing else is.
func TestForbidContraction(t *testing.T) {
	module := func(ws ...uint32) (out []byte) {
		for _, w := range append([]uint32{spirvMagic, 0x10500, 0, 9, 0}, ws...) {
			out = binary.LittleEndian.AppendUint32(out, w)
		}
		return out
	}
	decorate := func(id uint32) []uint32 { return []uint32{3<<16 | opDecorate, id, noContraction} }
	body := []uint32{
		3<<16 | 22, 1, 32, // OpTypeFloat
		5<<16 | 129, 1, 5, 2, 2, // OpFAdd
		5<<16 | 133, 1, 6, 2, 2, // OpFMul, which is precise already
		5<<16 | 128, 1, 7, 2, 2, // OpIAdd
		5<<16 | 148, 1, 8, 2, 2, // OpDot
	}
	got, err := forbidContraction(module(append(decorate(6), body...)...))
	if err != nil {
		t.Fatal(err)
	}
	if want := module(slices.Concat(decorate(6), decorate(5), decorate(8), body)...); !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
	for _, bad := range [][]byte{nil, module(5<<16|129, 1), module(0), module(1)[4:]} {
		if _, err := forbidContraction(bad); err == nil {
			t.Errorf("%x: no error", bad)
		}
	}
}
