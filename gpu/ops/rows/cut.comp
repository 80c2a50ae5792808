#version 460
//morton:variant cut
#include "morton.glsl"

// One workgroup copies a part of one row: out[r, c] = x[r, from + c]. x is [rows, ld]
// words, out [rows, d]. Lanes take columns.

layout(push_constant, scalar) uniform Push {
  uint64_t x, out_;
  uint rows, ld, from, d;
} p;

void main() {
  uint r = group();
  if (r >= p.rows) return;
  U32 x = U32(p.x + 4ul * (uint64_t(r) * p.ld + p.from)), o = U32(p.out_ + 4ul * uint64_t(r) * p.d);
  for (uint c = LANE; c < p.d; c += W) o.v[c] = x.v[c];
}
