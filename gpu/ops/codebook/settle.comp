#version 460
//morton:variant settle
#include "morton.glsl"

// One workgroup sets one code from its averages, lanes over columns:
//   codes[t, c] = sum[t, c] / ((count[t] + eps)·total/(total + v·eps))
// sum and codes are [v, d], count [v], total [1].

layout(push_constant, scalar) uniform Push {
  uint64_t count, sum, total, codes;
  uint v, d;
  float eps;
} p;

void main() {
  uint t = group();
  if (t >= p.v) return;
  float total = F32(p.total).v[0], count = (F32(p.count).v[t] + p.eps) * (total / (total + float(p.v) * p.eps));
  if (!(count > 0)) return; // nothing has come to any code yet
  uint64_t row = 4ul * uint64_t(t) * p.d;
  for (uint c = LANE; c < p.d; c += W) F32(p.codes + row).v[c] = F32(p.sum + row).v[c] / count;
}
