#version 460
//morton:variant sum
#include "morton.glsl"
#include "pairs.glsl"

// One workgroup sums one row: out[r, c] = (out[r, c] +) sum_j table[ids[r, j], c].
// Lanes span column pairs, U of them at a time; the sum runs in the order of j.
// table is [v, d], ids [n, k], out [n, d]. Ids outside 0..v-1 add nothing.

layout(constant_id = 2) const uint ADD = 0; // 1: add to out
const uint U = 4;

layout(push_constant, scalar) uniform Push {
  uint64_t table, ids, out_;
  uint n, d, k, v;
} p;

void main() {
  uint r = group();
  if (r >= p.n) return;
  uint64_t ids = p.ids + 4ul * uint64_t(r) * p.k;
  uint64_t orow = p.out_ + 4ul * uint64_t(r) * p.d;
  uint pairs = (p.d + 1) / 2;
  for (uint c0 = LANE; c0 < pairs; c0 += U * W) {
    vec2 acc[U];
    for (uint u = 0; u < U; u++) acc[u] = vec2(0);
    for (uint j = 0; j < p.k; j++) {
      uint id = uint(I32(ids).v[j]);
      if (id < p.v) {
        uint64_t trow = p.table + 4ul * uint64_t(id) * p.d;
        for (uint u = 0; u < U; u++) acc[u] += load2(trow, min(c0 + u * W, pairs - 1), p.d);
      }
    }
    for (uint u = 0; u < U; u++) {
      uint c = c0 + u * W;
      if (c < pairs) store2(orow, c, p.d, ADD != 0 ? load2(orow, c, p.d) + acc[u] : acc[u]);
    }
  }
}
