#version 460
//morton:variant expand
#include "morton.glsl"
#include "present.glsl"

// One workgroup expands one row of bits [n, words] to code [n, L], ±side; a row
// with valid[row] = 0 becomes zeros (valid at address 0: all rows are valid). In prefixes
// a row of bits has a row of code for each of its words, in which the bits of the words
// before count and the others are zero.

layout(push_constant, scalar) uniform Push {
  uint64_t bits, valid, code;
  uint n, l;
  float side;
  uint prefixes;
} p;

void main() {
  uint g = group();
  if (g >= p.n) return;
  uint words = (p.l + 31) / 32, end = p.l;
  U32 bits = U32(p.bits + 4ul * uint64_t(words) * (p.prefixes != 0 ? g / words : g));
  if (p.prefixes != 0) end = g % words * 32;
  F32 code = F32(p.code + 4ul * uint64_t(g) * p.l);
  float side = p.side;
  int valid = I32(present(p.valid, p.bits)).v[p.valid != 0 ? g : 0];
  if (p.valid != 0 && valid == 0) side = 0;
  for (uint c = LANE; c < p.l; c += W) {
    code.v[c] = c >= end ? 0 : (bits.v[c / 32] >> (c % 32) & 1u) != 0 ? side : (side == 0 ? 0 : -side);
  }
}
