#version 460
//morton:variant columns
#include "morton.glsl"
#include "pairs.glsl"

// One workgroup sums one block of rows of one block of 2·U·W columns, in the
// order of rows: out[b, c] = (out[b, c] +) sum_{r = b·height}^{(b+1)·height-1} x[r, c].
// x is [n, d], out [blocks, d]. The grid is [column blocks, blocks].

layout(constant_id = 2) const uint ADD = 0; // 1: add to out
const uint U = 2;

layout(push_constant, scalar) uniform Push {
  uint64_t x, out_;
  uint n, d, height;
} p;

void main() {
  uint b = gl_WorkGroupID.y, pairs = (p.d + 1) / 2, c0 = gl_WorkGroupID.x * U * W + LANE;
  vec2 acc[U];
  for (uint u = 0; u < U; u++) acc[u] = vec2(0);
  uint end = min((b + 1) * p.height, p.n);
  for (uint r = b * p.height; r < end; r++) {
    uint64_t row = p.x + 4ul * uint64_t(r) * p.d;
    for (uint u = 0; u < U; u++) acc[u] += load2(row, min(c0 + u * W, pairs - 1), p.d);
  }
  uint64_t orow = p.out_ + 4ul * uint64_t(b) * p.d;
  for (uint u = 0; u < U; u++) {
    uint c = c0 + u * W;
    if (c < pairs) store2(orow, c, p.d, ADD != 0 ? load2(orow, c, p.d) + acc[u] : acc[u]);
  }
}
