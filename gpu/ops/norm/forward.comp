#version 460
//morton:variant rms -DRMS
//morton:variant layer -DLAYER
#include "morton.glsl"
#include "pairs.glsl"
#include "rows.glsl"

// One workgroup normalizes one row; lanes stride over column pairs.
//   RMS:   out[r, c] = x[r, c]·rstd·gain[c],           rstd = 1/sqrt(mean_c(x²) + eps)
//   LAYER: out[r, c] = (x[r, c] - mean)·rstd·gain[c] + bias[c], rstd = 1/sqrt(mean_c((x - mean)²) + eps)
// gain and bias are [d], mean and rstd [n]; each is optional. A lane reads what it
// then writes, so out may be x.

layout(constant_id = 3) const uint GAIN = 0;
layout(constant_id = 4) const uint BIAS = 0;
layout(constant_id = 5) const uint ADAPT = 0;

layout(push_constant, scalar) uniform Push {
  uint64_t x, gain, bias, out_, mean, rstd;
  uint n, d, inner, ldx, ldo;
  float eps;
  uint per, ldm;
} p;

void main() {
  uint r = group();
  if (r >= p.n) return;
  uint64_t xrow = rowAt(p.x, r, p.inner, p.d, p.ldx), orow = rowAt(p.out_, r, p.inner, p.d, p.ldo);
  uint pairs = (p.d + 1) / 2;
  uint64_t mod = 0;
  if (ADAPT != 0) mod = 4ul * uint64_t(r / p.per) * p.ldm;
  float mean = 0;
  vec2 s = vec2(0);
#ifdef LAYER
  OVER(i, pairs, s += load2(xrow, i, p.d);)
  mean = subgroupAdd(s.x + s.y) / float(p.d);
  s = vec2(0);
  OVER(i, pairs,
    vec2 x = load2(xrow, i, p.d) - mean;
    if (PAIRS == 0 && 2 * i + 1 >= p.d) x.y = 0;
    s += x * x;
  )
#else
  OVER(i, pairs, vec2 x = load2(xrow, i, p.d); s += x * x;)
#endif
  float rstd = 1 / sqrt(subgroupAdd(s.x + s.y) / float(p.d) + p.eps);
  OVER(i, pairs,
    vec2 x = (load2(xrow, i, p.d) - mean) * rstd;
    if (ADAPT != 0) x *= 1 + load2(p.gain + mod, i, p.d);
    else if (GAIN != 0) x *= load2(p.gain, i, p.d);
    if (BIAS != 0) x += load2(p.bias + mod, i, p.d);
    store2(orow, i, p.d, x);
  )
  if (LANE == 0) {
    if (p.mean != 0) F32(p.mean).v[r] = mean;
    if (p.rstd != 0) F32(p.rstd).v[r] = rstd;
  }
}
