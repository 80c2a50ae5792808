#version 460
//morton:variant reduce
#include "morton.glsl"

// One workgroup takes 16·W elements of C, [M, N] with row stride ldc, from S
// partial products [S, M, N], added in their order:
//   C[m, n] = alpha · sum_s part[s, m, n] + bias[n]  (+ C[m, n])

layout(constant_id = 1) const uint BIAS = 0;
layout(constant_id = 2) const uint ADD = 0;

layout(push_constant, scalar) uniform Push {
  uint64_t part, bias, c;
  uint M, N, S, ldc;
  float alpha;
} p;

void main() {
  uint size = p.M * p.N, first = group() * 16 * W + LANE;
  for (uint i = first; i < min(first + 16 * W, size); i += W) {
    float sum = 0;
    for (uint s = 0; s < p.S; s++) sum += F32(p.part + 4ul * uint64_t(s) * size).v[i];
    uint m = i / p.N, n = i % p.N;
    F32 out_ = F32(p.c + 4ul * (uint64_t(m) * p.ldc + n));
    float x = fma(sum, p.alpha, BIAS != 0 ? F32(p.bias).v[n] : 0);
    out_.v[0] = ADD != 0 ? out_.v[0] + x : x;
  }
}
