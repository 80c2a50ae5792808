#version 460
//morton:variant norms
#include "morton.glsl"

// One workgroup measures one code of codes [v, d], lanes over columns: out[t] =
// |code|²/2, or with COSINE 1/|code|, 0 for a code of zeros.

layout(constant_id = 1) const uint COSINE = 0;

layout(push_constant, scalar) uniform Push {
  uint64_t codes, out_;
  uint v, d;
} p;

void main() {
  uint t = group();
  if (t >= p.v) return;
  F32 code = F32(p.codes + 4ul * uint64_t(t) * p.d);
  float sum = 0;
  for (uint c = LANE; c < p.d; c += W) sum += code.v[c] * code.v[c];
  sum = subgroupAdd(sum);
  if (LANE == 0) F32(p.out_).v[t] = COSINE == 0 ? 0.5 * sum : sum == 0 ? 0 : 1 / sqrt(sum);
}
