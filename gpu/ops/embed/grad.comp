#version 460
//morton:variant grad
#include "morton.glsl"
#include "pairs.glsl"

// One workgroup adds to one row of the table's gradient:
//   dtable[t, c] += sum_{i = starts[t]}^{starts[t+1]-1} dout[rows[i], c]
// in the order of i. dtable is [v, d], dout [n, d], starts [v+1], rows [m].
// Lanes span column pairs, U of them at a time. Entries of starts past m and
// rows outside 0..n-1 are not followed.

const uint U = 4;

layout(push_constant, scalar) uniform Push {
  uint64_t dout, starts, rows, dtable;
  uint n, d, v, m;
} p;

void main() {
  uint t = group();
  if (t >= p.v) return;
  uint first = uint(I32(p.starts).v[t]), end = min(uint(I32(p.starts).v[t + 1]), p.m);
  if (first >= end) return;
  uint64_t drow = p.dtable + 4ul * uint64_t(t) * p.d;
  uint pairs = (p.d + 1) / 2;
  for (uint c0 = LANE; c0 < pairs; c0 += U * W) {
    vec2 acc[U];
    for (uint u = 0; u < U; u++) acc[u] = vec2(0);
    for (uint i = first; i < end; i++) {
      uint r = uint(I32(p.rows).v[i]);
      if (r < p.n) {
        uint64_t row = p.dout + 4ul * uint64_t(r) * p.d;
        for (uint u = 0; u < U; u++) acc[u] += load2(row, min(c0 + u * W, pairs - 1), p.d);
      }
    }
    for (uint u = 0; u < U; u++) {
      uint c = c0 + u * W;
      if (c < pairs) store2(drow, c, p.d, load2(drow, c, p.d) + acc[u]);
    }
  }
}
