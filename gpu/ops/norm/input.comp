#version 460
//morton:variant rms_input -DRMS
//morton:variant layer_input -DLAYER
#include "morton.glsl"
#include "pairs.glsl"
#include "rows.glsl"

// One workgroup computes the gradient of one row of the input; with h = x·rstd
// (RMS) or (x - mean)·rstd (LAYER) and g = gain·dout:
//   RMS:   dx[r, c] = rstd·(g - h·mean_c(g·h)) (+ dx[r, c])
//   LAYER: dx[r, c] = rstd·(g - mean_c(g) - h·mean_c(g·h)) (+ dx[r, c])
// gain is [d], mean and rstd [n]. x and dx have rows ldx apart, dout ldo. A lane
// reads what it then writes, so dx may be dout or x. With ADAPT, gain has a row for
// every per rows of x, ldm apart, and counts from 1.

layout(constant_id = 3) const uint GAIN = 0;
layout(constant_id = 4) const uint ADD = 0;
layout(constant_id = 5) const uint ADAPT = 0;

layout(push_constant, scalar) uniform Push {
  uint64_t x, gain, mean, rstd, dout, dx;
  uint n, d, inner, ldx, ldo, per, ldm;
} p;

vec2 scaled(uint64_t dorow, uint64_t gain, uint i) {
  vec2 g = load2(dorow, i, p.d);
  if (ADAPT != 0) return g * (1 + load2(gain, i, p.d));
  return GAIN != 0 ? g * load2(gain, i, p.d) : g;
}

void main() {
  uint r = group();
  if (r >= p.n) return;
  uint64_t xrow = rowAt(p.x, r, p.inner, p.d, p.ldx), dxrow = rowAt(p.dx, r, p.inner, p.d, p.ldx);
  uint64_t dorow = rowAt(p.dout, r, p.inner, p.d, p.ldo);
  uint64_t gain = p.gain;
  if (ADAPT != 0) gain += 4ul * uint64_t(r / p.per) * p.ldm;
  uint pairs = (p.d + 1) / 2;
  float rstd = F32(p.rstd).v[r], mean = 0, sg = 0;
  vec2 gh = vec2(0), gs = vec2(0);
#ifdef LAYER
  mean = F32(p.mean).v[r];
#endif
  // Past the end of an odd row g is 0, so the stray h there adds nothing.
  OVER(i, pairs,
    vec2 g = scaled(dorow, gain, i);
    gh += g * ((load2(xrow, i, p.d) - mean) * rstd);
    gs += g;
  )
  float sgh = subgroupAdd(gh.x + gh.y) / float(p.d);
#ifdef LAYER
  sg = subgroupAdd(gs.x + gs.y) / float(p.d);
#endif
  OVER(i, pairs,
    vec2 h = (load2(xrow, i, p.d) - mean) * rstd;
    vec2 dx = rstd * (scaled(dorow, gain, i) - sg - h * sgh);
    if (ADD != 0) dx += load2(dxrow, i, p.d);
    store2(dxrow, i, p.d, dx);
  )
}
