#version 460
//morton:variant scale
#include "morton.glsl"
// One workgroup scales one matrix x, [n, d] of [b·n, d], along its singular directions, see
// scale.go. work is [b, 3, d, d]: g = xᵀ·x, which rotations make diagonal; v, the product of
// the rotations; m = v·exp(strength·sqrt(g/max g))·vᵀ. Then out = x·m. A lane takes
// rows or columns of its own, and everybody waits before others read them.
layout(push_constant, scalar) uniform Push {
  uint64_t x;
  uint64_t out_, work;
  uint b, n, d;
  float strength;
} p;

layout(constant_id = 1) const uint SWEEPS = 1; // over all pairs of columns

void main() {
  uint b = group();
  if (b >= p.b) return;
  uint d = p.d;
  F32 x = F32(p.x + 4ul * uint64_t(b) * p.n * d), o = F32(p.out_ + 4ul * uint64_t(b) * p.n * d);
  F32 g = F32(p.work + 12ul * uint64_t(b) * d * d), v = F32(p.work + 4ul * (uint64_t(b) * 3 + 1) * d * d), m = F32(p.work + 4ul * (uint64_t(b) * 3 + 2) * d * d);
  for (uint k = LANE; k < d * d; k += W) {
    float sum = 0;
    for (uint i = 0; i < p.n; i++) sum += x.v[i * d + k / d] * x.v[i * d + k % d];
    g.v[k] = sum;
    v.v[k] = k / d == k % d ? 1 : 0;
  }
  subgroupBarrier();
  for (uint sweep = 0; sweep < SWEEPS; sweep++) {
    for (uint q = 1; q < d; q++) {
      for (uint r = 0; r < q; r++) {
        float gr = g.v[r * d + r], gq = g.v[q * d + q], off = g.v[r * d + q];
        subgroupBarrier();
        if (abs(off) <= 1e-9 * sqrt(max(gr * gq, 0))) continue; // all lanes alike
        float theta = 0.5 * (gq - gr) / off;
        float t = (theta < 0 ? -1 : 1) / (abs(theta) + sqrt(theta * theta + 1)), c = inversesqrt(t * t + 1), s = t * c;
        for (uint k = LANE; k < d; k += W) { // columns
          float a = g.v[k * d + r], e = g.v[k * d + q], y = v.v[k * d + r], z = v.v[k * d + q];
          g.v[k * d + r] = c * a - s * e;
          g.v[k * d + q] = s * a + c * e;
          v.v[k * d + r] = c * y - s * z;
          v.v[k * d + q] = s * y + c * z;
        }
        subgroupBarrier();
        for (uint k = LANE; k < d; k += W) { // rows
          float a = g.v[r * d + k], e = g.v[q * d + k];
          g.v[r * d + k] = c * a - s * e;
          g.v[q * d + k] = s * a + c * e;
        }
        subgroupBarrier();
      }
    }
  }
  float most = 0;
  for (uint k = LANE; k < d; k += W) most = max(most, g.v[k * d + k]);
  most = subgroupMax(most);
  for (uint k = LANE; k < d * d; k += W) {
    float sum = 0;
    for (uint j = 0; j < d; j++) {
      float share = most > 0 ? sqrt(max(g.v[j * d + j], 0) / most) : 0;
      sum += v.v[k / d * d + j] * exp(p.strength * share) * v.v[k % d * d + j];
    }
    m.v[k] = sum;
  }
  subgroupBarrier();
  for (uint k = LANE; k < p.n * d; k += W) {
    float sum = 0;
    for (uint j = 0; j < d; j++) sum += x.v[k / d * d + j] * m.v[j * d + k % d];
    o.v[k] = sum;
  }
}
