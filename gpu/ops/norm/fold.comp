#version 460
//morton:variant fold
#include "morton.glsl"

// One workgroup adds up W columns of one sample's blocks, in order:
//   out[s, c] += sum_k partial[s, k, c]
// partial is [samples, blocks, d]; out has rows of d, ldm apart. The grid is
// [column blocks, samples].

layout(push_constant, scalar) uniform Push {
  uint64_t partial, out_;
  uint blocks, d, ldm;
} p;

void main() {
  uint s = gl_WorkGroupID.y, c = gl_WorkGroupID.x * W + LANE;
  if (c >= p.d) return;
  float sum = 0;
  for (uint k = 0; k < p.blocks; k++) sum += F32(p.partial + 4ul * (uint64_t(s) * p.blocks + k) * p.d).v[c];
  F32(p.out_ + 4ul * uint64_t(s) * p.ldm).v[c] += sum;
}
