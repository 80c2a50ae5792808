package main

import (
	"encoding/binary"
	"fmt"
)

// SPIR-V's numbers: Khronos, "SPIR-V Specification", version 1.6, sections 2.3 and 3.
const (
	spirvMagic    = 0x07230203
	spirvHeader   = 5 // words
	opDecorate    = 71
	opTypeVoid    = 19 // the first of the types, which follow the decorations
	opTypeLast    = 39
	noContraction = 42
)

// roundsAlone are the instructions that a driver may fuse with another into one rounding:
// FAdd, FSub, FMul, FDiv, VectorTimesScalar, matrix products, and Dot.
var roundsAlone = map[uint32]bool{129: true, 131: true, 133: true, 136: true, 142: true, 143: true, 144: true, 145: true, 146: true, 148: true}

// forbidContraction decorates every sum and product of floats in a module with
// NoContraction, so that each is rounded by itself. A driver may otherwise fuse x*y+z in
// one kernel and not in another, and a row would have different bits in each. Intended
// fusion is written as fma.
func forbidContraction(module []byte) ([]byte, error) {
	if len(module) < 4*spirvHeader || len(module)%4 != 0 || binary.LittleEndian.Uint32(module) != spirvMagic {
		return nil, fmt.Errorf("no SPIR-V")
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(module[4*i:]) }
	var ids []uint32
	done, types := map[uint32]bool{}, 0
	for i := spirvHeader; i < len(module)/4; {
		op, n := word(i)&0xffff, int(word(i)>>16)
		if n == 0 || i+n > len(module)/4 {
			return nil, fmt.Errorf("word %d: an instruction of %d words", i, n)
		}
		switch {
		case op == opDecorate && n == 3 && word(i+2) == noContraction:
			done[word(i+1)] = true
		case types == 0 && op >= opTypeVoid && op <= opTypeLast:
			types = i
		case roundsAlone[op]:
			ids = append(ids, word(i+2))
		}
		i += n
	}
	out := append([]byte(nil), module[:4*types]...)
	for _, id := range ids {
		if !done[id] {
			for _, w := range []uint32{3<<16 | opDecorate, id, noContraction} {
				out = binary.LittleEndian.AppendUint32(out, w)
			}
		}
	}
	return append(out, module[4*types:]...), nil
}
