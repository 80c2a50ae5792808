#version 460
//morton:variant scatter
#include "morton.glsl"
#include "pairs.glsl"

// One workgroup moves one row: out[ids[r / span] + r % span, :] = x[r, :], nowhere for a row
// outside 0..n-1. x is [rows, d], out [n, d]. No two rows have the same place. Lanes take pairs
// of columns.

layout(push_constant, scalar) uniform Push {
  uint64_t x, ids, out_;
  uint rows, n, d, span;
} p;

void main() {
  uint r = group();
  if (r >= p.rows) return;
  int first = I32(p.ids).v[r / p.span];
  uint id = uint(first) + r % p.span;
  if (first < 0 || id >= p.n) return;
  uint64_t from = p.x + 4ul * uint64_t(r) * p.d, to = p.out_ + 4ul * uint64_t(id) * p.d;
  for (uint i = LANE; i < (p.d + 1) / 2; i += W) store2(to, i, p.d, load2(from, i, p.d));
}
