#version 460
//morton:variant quantize
#include "morton.glsl"
#include "level.glsl"

// One workgroup does one row of z [n, c]: values of levels to code [n, c], which may be
// z, and their Gray codes to bits [n, words]; either at address 0 is not wanted. start is
// [c + 1]: where the bits of a coordinate begin. owner is [l]: the coordinate of a bit.
// tanh errs by 4e-7: a z that near to an edge may fall on its other side.

layout(push_constant, scalar) uniform Push {
  uint64_t z, start, owner, code, bits;
  uint n, c, l;
} p;

void main() {
  uint g = group();
  if (g >= p.n) return;
  F32 z = F32(p.z + 4ul * uint64_t(g) * p.c), code = F32(p.code + 4ul * uint64_t(g) * p.c);
  I32 start = I32(p.start), owner = I32(p.owner);
  uint words = (p.l + 31) / 32;
  for (uint w = 0; w < words && p.bits != 0; w++) {
    uint word = 0;
    for (uint i = 0; i < 32; i += W) {
      uint b = i + LANE, at = min(32 * w + b, p.l - 1), o = uint(owner.v[at]);
      uint first = uint(start.v[o]), count = uint(start.v[o + 1]) - first;
      uint q = level(z.v[o], 1u << count), gray = q ^ (q >> 1);
      uint bit = gray >> (count - 1 - (at - first)) & 1u;
      word |= (b < 32 && 32 * w + b < p.l ? bit : 0) << (b & 31);
    }
    word = subgroupOr(word);
    if (LANE == 0) U32(p.bits + 4ul * uint64_t(g) * words).v[w] = word;
  }
  subgroupBarrier(); // code may be z
  for (uint i = LANE; i < p.c && p.code != 0; i += W) {
    uint l = 1u << uint(start.v[i + 1] - start.v[i]);
    code.v[i] = value(level(z.v[i], l), l);
  }
}
