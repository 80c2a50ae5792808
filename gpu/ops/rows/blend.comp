#version 460
//morton:variant blend
#include "morton.glsl"
#include "pairs.glsl"

// One workgroup makes one row of one sample, in the order of its taps:
//   out[s, r, :] = sum_j weight(r, j) · x[s, row(r, j), :]
// taps is f32 [v, k, 2], a row and its weight; the row is a whole number. Samples of x lie
// nx rows apart, those of out no. A tap of weight 0, or of a row outside 0..nx-1, is
// left out. Lanes take U pairs of columns at a time.

const uint U = 2;

layout(push_constant, scalar) uniform Push {
  uint64_t x, taps, out_;
  uint b, v, k, d, nx, no;
} p;

void main() {
  uint g = group();
  if (g >= p.b * p.v) return;
  uint s = g / p.v, r = g % p.v;
  F32x2 taps = F32x2(p.taps + 8ul * uint64_t(r) * p.k);
  uint64_t from = p.x + 4ul * uint64_t(s) * p.nx * p.d, to = p.out_ + 4ul * (uint64_t(s) * p.no + r) * p.d;
  uint pairs = (p.d + 1) / 2;
  for (uint c0 = LANE; c0 < pairs; c0 += U * W) {
    vec2 acc[U];
    for (uint u = 0; u < U; u++) acc[u] = vec2(0);
    for (uint j = 0; j < p.k; j++) {
      vec2 tap = floats(taps.v[j]);
      if (tap.y == 0 || tap.x < 0 || tap.x >= float(p.nx)) continue;
      uint64_t row = from + 4ul * uint64_t(uint(tap.x)) * p.d;
      for (uint u = 0; u < U; u++) acc[u] += tap.y * load2(row, min(c0 + u * W, pairs - 1), p.d);
    }
    for (uint u = 0; u < U; u++) if (c0 + u * W < pairs) store2(to, c0 + u * W, p.d, acc[u]);
  }
}
