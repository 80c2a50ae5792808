#version 460
//morton:variant gather
#include "morton.glsl"
#include "pairs.glsl"

// One workgroup fills one row: out[r, j, s, :] = x[ids[r, j] + s, :], zeros for a row outside
// 0..n-1. x is [n, d], ids [rows, k], out [rows, k, span, d]. Lanes take pairs of columns.

layout(push_constant, scalar) uniform Push {
  uint64_t x, ids, out_;
  uint rows, n, d, k, span;
} p;

void main() {
  uint r = group();
  if (r >= p.rows) return;
  uint64_t ids = p.ids + 4ul * uint64_t(r) * p.k;
  uint pairs = (p.d + 1) / 2;
  for (uint j = 0; j < p.k * p.span; j++) {
    int first = I32(ids).v[j / p.span];
    uint id = uint(first) + j % p.span;
    bool there = first >= 0 && id < p.n;
    uint64_t from = p.x + 4ul * uint64_t(min(id, p.n - 1)) * p.d, to = p.out_ + 4ul * (uint64_t(r) * p.k * p.span + j) * p.d;
    for (uint i = LANE; i < pairs; i += W) store2(to, i, p.d, there ? load2(from, i, p.d) : vec2(0));
  }
}
