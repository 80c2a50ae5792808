#version 460
//morton:variant segment
#include "morton.glsl"
#include "pairs.glsl"

// One workgroup makes one row, in the order of i:
//   out[t, c] = (out[t, c] +) scale · sum_{i = starts[t]}^{starts[t+1]-1} x[rows[i], c] / share
// x is [n, d], starts [v+1], rows [m], out [v, d]. With MEAN, scale is one over the
// number of terms, those of no row included; with SHARE, share is the length of segment
// rows[i] of the table shares [n+1], and without share is 1. Entries of starts past m
// and rows outside 0..n-1 are not followed. Lanes take U pairs of columns at a time.

layout(constant_id = 2) const uint ADD = 0;
layout(constant_id = 3) const uint MEAN = 0;
layout(constant_id = 4) const uint SHARE = 0;
const uint U = 4;

layout(push_constant, scalar) uniform Push {
  uint64_t x, starts, rows, shares, out_;
  uint n, d, v, m;
} p;

void main() {
  uint t = group();
  if (t >= p.v) return;
  uint first = uint(I32(p.starts).v[t]), end = min(uint(I32(p.starts).v[t + 1]), p.m);
  if (ADD != 0 && first >= end) return;
  float scale = MEAN != 0 && first < end ? 1 / float(end - first) : 1;
  uint64_t orow = p.out_ + 4ul * uint64_t(t) * p.d;
  uint pairs = (p.d + 1) / 2;
  for (uint c0 = LANE; c0 < pairs; c0 += U * W) {
    vec2 acc[U];
    for (uint u = 0; u < U; u++) acc[u] = vec2(0);
    for (uint i = first; i < end; i++) {
      uint r = uint(I32(p.rows).v[min(i, p.m - 1)]), inside = min(r, p.n - 1); // lavapipe of Mesa 26.2 reads past a false condition
      if (r >= p.n) continue;
      float share = 1;
      if (SHARE != 0) share = 1 / float(max(I32(p.shares).v[inside + 1] - I32(p.shares).v[inside], 1));
      uint64_t row = p.x + 4ul * uint64_t(r) * p.d;
      for (uint u = 0; u < U; u++) acc[u] += share * load2(row, min(c0 + u * W, pairs - 1), p.d);
    }
    for (uint u = 0; u < U; u++) {
      uint c = c0 + u * W;
      if (c < pairs) store2(orow, c, p.d, ADD != 0 ? load2(orow, c, p.d) + scale * acc[u] : scale * acc[u]);
    }
  }
}
