#version 460
//morton:variant group_apply
#include "morton.glsl"
#include "pairs.glsl"
#include "samples.glsl"

// One workgroup takes HEIGHT rows of 2·W channels, a lane a pair of them, across
// workgroups side by side:
//   out[r, c] = (x[r, c] - mean)·rstd·gain[c] + bias[c]
// x and out are [n, c], mean and rstd [samples, groups]; of is [n] or at address 0 for
// per rows a sample. A row whose sample does not exist is left alone. A lane reads what
// it then writes: out may be x.

layout(constant_id = 2) const uint GAIN = 0;
layout(constant_id = 3) const uint BIAS = 0;
const uint HEIGHT = 16;

layout(push_constant, scalar) uniform Push {
  uint64_t x, gain, bias, mean, rstd, of, out_;
  uint n, c, groups, per, samples, across;
} p;

void main() {
  uint i = group() % p.across * W + LANE;
  if (i >= (p.c + 1) / 2) return;
  vec2 gain = vec2(1), bias = vec2(0);
  if (GAIN != 0) gain = load2(p.gain, i, p.c);
  if (BIAS != 0) bias = load2(p.bias, i, p.c);
  uint first = group() / p.across * HEIGHT, end = min(first + HEIGHT, p.n);
  for (uint r = first; r < end; r++) {
    uint of = uint(I32(present(p.of, p.x)).v[p.of != 0 ? r : 0]), s = p.of != 0 ? of : r / p.per;
    if (s >= p.samples) continue;
    uint64_t row = 4ul * uint64_t(r) * p.c;
    vec2 rstd = ofGroup(p.rstd, s, i, p.c, p.groups);
    vec2 h = (load2(p.x + row, i, p.c) - ofGroup(p.mean, s, i, p.c, p.groups)) * rstd;
    vec2 y = h * gain + bias;
    store2(p.out_ + row, i, p.c, y);
  }
}
