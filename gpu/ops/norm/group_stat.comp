#version 460
//morton:variant group_stat
#include "morton.glsl"
#include "samples.glsl"

// One workgroup brings the sums of one group of one sample together, with count
// the sample's rows times the group's channels:
//   out[s, g] = sum_{k, c in g} partial[s, k, c] / count,   or 1/sqrt(that + eps) if RSTD
// partial is [samples, blocks, channels], out [samples, groups]. Lane l takes every
// W-th of (block, channel), so blocks of zeros at the end change nothing.

layout(constant_id = 1) const uint RSTD = 0;

layout(push_constant, scalar) uniform Push {
  uint64_t partial, starts, out_;
  uint n, c, groups, per, blocks, samples;
  float eps;
} p;

void main() {
  uint s = group() / p.groups, g = group() % p.groups, wide = p.c / p.groups;
  if (s >= p.samples) return;
  float sum = 0;
  for (uint i = LANE; i < p.blocks * wide; i += W) {
    uint k = i / wide, c = g * wide + i % wide;
    sum += F32(p.partial + 4ul * (uint64_t(s) * p.blocks + k) * p.c).v[c];
  }
  uvec2 all = span(p.starts, p.partial, s, p.per, p.n);
  sum = subgroupAdd(sum) / (float(max(all.y - all.x, 1)) * float(wide));
  if (LANE == 0) F32(p.out_).v[group()] = RSTD != 0 ? 1 / sqrt(sum + p.eps) : sum;
}
