#version 460
//morton:variant unit
//morton:variant unit_grad -DGRAD
#include "morton.glsl"
#include "pairs.glsl"

// One workgroup does one row: heads of d columns, one after the other, rows of x and out
// ld elements apart. With r = 1/max(|x|, 1e-12) and g = exp(min(log[h], cap)), which is 1
// for heads from scaled on:
//   out = g·r·x
//   GRAD: out = g·r·(dout - u·(u·dout)) with u = r·x, and dlog[row, h] = g·(u·dout), 0
//   where log[h] > cap
// A lane reads what it then writes, so out may be x, or dout. Sums run over W lanes and
// then a fixed tree.

layout(push_constant, scalar) uniform Push {
  uint64_t x, log, dout, out_, dlog;
  uint n, heads, d, ld, scaled;
  float cap;
} p;

void main() {
  uint r = group();
  if (r >= p.n) return;
  uint pairs = p.d / 2;
  for (uint h = 0; h < p.heads; h++) {
    uint64_t at = 4ul * (uint64_t(r) * p.ld + h * p.d);
    float sum = 0, dot_ = 0;
    for (uint i = LANE; i < pairs; i += W) {
      vec2 x = load2(p.x + at, i, p.d);
      sum += x.x * x.x + x.y * x.y;
#ifdef GRAD
      vec2 dy = load2(p.dout + at, i, p.d);
      dot_ += x.x * dy.x + x.y * dy.y;
#endif
    }
    float rnorm = 1 / max(sqrt(subgroupAdd(sum)), 1e-12), gain = 1;
    if (h < p.scaled) gain = exp(min(F32(p.log).v[h], p.cap));
#ifdef GRAD
    float along = subgroupAdd(dot_) * rnorm;
    for (uint i = LANE; i < pairs; i += W) {
      vec2 u = load2(p.x + at, i, p.d) * rnorm;
      store2(p.out_ + at, i, p.d, gain * rnorm * (load2(p.dout + at, i, p.d) - u * along));
    }
    if (LANE == 0 && h < p.scaled && p.dlog != 0) F32(p.dlog).v[r * p.scaled + h] = F32(p.log).v[h] > p.cap ? 0 : gain * along;
#else
    for (uint i = LANE; i < pairs; i += W) store2(p.out_ + at, i, p.d, gain * rnorm * load2(p.x + at, i, p.d));
#endif
  }
}
