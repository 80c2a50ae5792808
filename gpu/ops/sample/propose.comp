#version 460
//morton:variant propose
#include "morton.glsl"
// One workgroup copies one row m of logits [m, v] to the row of its canvas and position in
// out [slots·L, v]. A row that draws nothing goes nowhere.
layout(push_constant, scalar) uniform Push { uint64_t logits, canvas, draw, out_; uint rows, v, L; } p;

void main() {
  uint m = group();
  if (m >= p.rows) return;
  U32 d = U32(p.draw + 32ul * m);
  if (d.v[7] == 0) return;
  uint64_t at = uint64_t(I32(p.canvas).v[m]) * p.L + d.v[3];
  F32 from = F32(p.logits + 4ul * uint64_t(m) * p.v), to = F32(p.out_ + 4ul * at * p.v);
  for (uint i = LANE; i < p.v; i += W) to.v[i] = from.v[i];
}
