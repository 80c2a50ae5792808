#version 460
//morton:variant noise
//morton:variant noise_variance -DVARIANCE
#include "morton.glsl"

// One workgroup does one row of x [n, c], or [n, 2c] with VARIANCE, against y [n, c]:
//   loss = mean_c (x - y)²
// and with VARIANCE, for v the second half of x, bounds [n, 3] = lo, hi, k and
// l = lo + (hi - lo)·(v + 1)/2
//   loss += mean_c (-1 + l - lo + exp(lo - l) + k·(x - y)²·exp(-l)) / (2·ln 2)
// in which x counts as given. dx, of the extents of x, may be x.

layout(constant_id = 1) const uint GRAD = 1;

layout(push_constant, scalar) uniform Push {
  uint64_t x, y, bounds, weight, loss, dx;
  uint n, c;
} p;

const float PER_BIT = 0.7213475204444817; // 1 / (2·ln 2)

void main() {
  uint r = group();
  if (r >= p.n) return;
#ifdef VARIANCE
  uint ld = 2 * p.c;
  F32 bounds = F32(p.bounds + 12ul * r);
  float lo = bounds.v[0], span = bounds.v[1] - lo, k = bounds.v[2];
#else
  uint ld = p.c;
#endif
  F32 x = F32(p.x + 4ul * uint64_t(r) * ld), dx = F32(p.dx + 4ul * uint64_t(r) * ld), y = F32(p.y + 4ul * uint64_t(r) * p.c);
  float weight = F32(p.weight).v[r], share = weight / p.c, sum = 0;
  for (uint i = LANE; i < p.c; i += W) {
    float e = x.v[i] - y.v[i];
    sum += e * e;
#ifdef VARIANCE
    float above = span * 0.5 * (x.v[p.c + i] + 1); // l - lo
    float fall = exp(-above), miss = k * e * e * exp(-lo - above);
    sum += PER_BIT * (above - 1 + fall + miss);
    if (GRAD != 0) dx.v[p.c + i] = weight == 0 ? 0 : share * PER_BIT * 0.5 * span * (1 - fall - miss);
#endif
    if (GRAD != 0) dx.v[i] = weight == 0 ? 0 : 2 * share * e;
  }
  sum = subgroupAdd(sum);
  if (LANE == 0) F32(p.loss).v[r] = weight == 0 ? 0 : sum / p.c;
}
