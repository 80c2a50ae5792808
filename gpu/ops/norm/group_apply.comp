#version 460
//morton:variant group_apply
//morton:variant group_input -DGRAD
#include "morton.glsl"
#include "pairs.glsl"
#include "samples.glsl"

// One workgroup takes HEIGHT rows of 2·W channels, a lane a pair of them, across
// workgroups side by side; with s the // row's sample, h = (x - mean)·rstd and g = gain·dout:
//   out[r, c] = h·gain[c] + bias[c]
//   GRAD: dx[r, c] = rstd·(g - mg - h·mgh) (+ dx[r, c] if ADD)
// x, dout, out and dx are [n, c], mean, rstd, mg and mgh [samples, groups]; of is [n]
// or at address 0 for per rows a sample. A row whose sample does not exist is left
// alone. A lane reads what it then writes: out may be x, and dx may be x or dout.

layout(constant_id = 2) const uint GAIN = 0;
layout(constant_id = 3) const uint BIAS = 0;
layout(constant_id = 4) const uint ADD = 0;
const uint HEIGHT = 16;

layout(push_constant, scalar) uniform Push {
  uint64_t x, gain, bias, mean, rstd, of, dout, mg, mgh, out_;
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
#ifdef GRAD
    vec2 g = gain * load2(p.dout + row, i, p.c);
    vec2 y = rstd * (g - ofGroup(p.mg, s, i, p.c, p.groups) - h * ofGroup(p.mgh, s, i, p.c, p.groups));
    if (ADD != 0) y += load2(p.out_ + row, i, p.c);
#else
    vec2 y = h * gain + bias;
#endif
    store2(p.out_ + row, i, p.c, y);
  }
}
