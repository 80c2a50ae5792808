#version 460
//morton:variant softmax
#include "morton.glsl"

// One workgroup takes one row of n elements, ld elements from the next, in place:
//   x[r, c] = exp(x[r, c] - max) / Σ_c exp(x[r, c] - max)
// exp is the device's: its relative error is (3 + 2|x|)·2^-23. The sum runs over W
// lanes and then a fixed tree. A NaN makes its whole row NaN.

layout(push_constant, scalar) uniform Push {
  uint64_t x;
  uint rows, n, ld;
} p;

void main() {
  uint r = group();
  if (r >= p.rows) return;
  F32 x = F32(p.x + 4ul * uint64_t(r) * p.ld);
  float top = -3.4e38;
  for (uint i = LANE; i < p.n; i += W) top = max(top, x.v[i]);
  top = subgroupMax(top);
  float sum = 0;
  for (uint i = LANE; i < p.n; i += W) {
    float e = exp(x.v[i] - top);
    sum += e;
    x.v[i] = e;
  }
  float scale = 1 / subgroupAdd(sum);
  for (uint i = LANE; i < p.n; i += W) x.v[i] *= scale;
}
