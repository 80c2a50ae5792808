#version 460
//morton:variant mean
#include "morton.glsl"

// One workgroup averages W columns over all rows, a lane a column:
//
//   mean[c] = 1/n sum_i sigmoid(slope · z[i, c] · rnorm[i])
//
// z is [n, L]. Four sums take rows in turn, so the error is (n/4 + 8)·2^-24.

layout(push_constant, scalar) uniform Push {
  uint64_t z, rnorm, mean;
  uint n, l;
  float slope;
} p;

void main() {
  uint c = group() * W + LANE, column = min(c, p.l - 1);
  F32 z = F32(p.z), rnorm = F32(p.rnorm);
  vec4 sum = vec4(0);
  for (uint i = 0; i < p.n; i += 4) {
    uvec4 row = min(uvec4(i) + uvec4(0, 1, 2, 3), uvec4(p.n - 1));
    vec4 u;
    u.x = z.v[row.x * p.l + column] * rnorm.v[row.x];
    u.y = z.v[row.y * p.l + column] * rnorm.v[row.y];
    u.z = z.v[row.z * p.l + column] * rnorm.v[row.z];
    u.w = z.v[row.w * p.l + column] * rnorm.v[row.w];
    vec4 s = 1 / (1 + exp(-p.slope * u));
    bvec4 in_ = lessThan(uvec4(i) + uvec4(0, 1, 2, 3), uvec4(p.n));
    sum += mix(vec4(0), s, in_);
  }
  if (c < p.l) F32(p.mean).v[c] = (sum.x + sum.y + sum.z + sum.w) / p.n;
}
