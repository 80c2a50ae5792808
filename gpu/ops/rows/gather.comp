#version 460
//morton:variant gather
#include "morton.glsl"
#include "pairs.glsl"

// One workgroup fills one row: out[r, j, :] = x[ids[r, j], :], zeros for an id outside
// 0..n-1. x is [n, d], ids [rows, k], out [rows, k, d]. Lanes take pairs of columns.

layout(push_constant, scalar) uniform Push {
  uint64_t x, ids, out_;
  uint rows, n, d, k;
} p;

void main() {
  uint r = group();
  if (r >= p.rows) return;
  uint64_t ids = p.ids + 4ul * uint64_t(r) * p.k;
  uint pairs = (p.d + 1) / 2;
  for (uint j = 0; j < p.k; j++) {
    uint id = uint(I32(ids).v[j]);
    uint64_t from = p.x + 4ul * uint64_t(min(id, p.n - 1)) * p.d, to = p.out_ + 4ul * (uint64_t(r) * p.k + j) * p.d;
    for (uint i = LANE; i < pairs; i += W) store2(to, i, p.d, id < p.n ? load2(from, i, p.d) : vec2(0));
  }
}
