#version 460
//morton:variant expand
#include "morton.glsl"
#include "level.glsl"

// One workgroup expands one row of bits [n, words] to code [n, c]. start is [c + 1]: where
// the bits of a coordinate begin.

layout(push_constant, scalar) uniform Push {
  uint64_t bits, start, code;
  uint n, c, l;
} p;

void main() {
  uint g = group();
  if (g >= p.n) return;
  U32 bits = U32(p.bits + 4ul * uint64_t(g) * ((p.l + 31) / 32));
  F32 code = F32(p.code + 4ul * uint64_t(g) * p.c);
  I32 start = I32(p.start);
  for (uint i = LANE; i < p.c; i += W) {
    uint from = uint(start.v[i]), to = uint(start.v[i + 1]), q = 0;
    for (uint b = from; b < to; b++) { // a bit of the number is the parity of the code's so far
      uint bit = bits.v[b / 32] >> (b % 32) & 1u;
      q = 2 * q + (bit ^ (q & 1u));
    }
    code.v[i] = value(q, 1u << (to - from));
  }
}
