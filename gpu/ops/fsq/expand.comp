#version 460
//morton:variant expand
#include "morton.glsl"

// One lane expands one index to a row of code [n, d], W rows a workgroup: digit c of
// index in the mixed base of levels, less levels[c]/2, over that. An index outside the
// codes becomes zeros.

layout(push_constant, scalar) uniform Push {
  uint64_t index, code;
  uint n, d, codes;
  uint levels[8];
} p;

void main() {
  uint r = group() * W + LANE;
  if (r >= p.n) return;
  F32 code = F32(p.code + 4ul * uint64_t(r) * p.d);
  uint index = uint(I32(p.index).v[r]);
  bool there = index < p.codes;
  for (uint c = 0; c < p.d; c++) {
    uint l = p.levels[c];
    int below = int(l / 2);
    code.v[c] = there ? float(int(index % l) - below) / float(below) : 0;
    index /= l;
  }
}
