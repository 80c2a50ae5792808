#version 460
//morton:variant step
#include "morton.glsl"
#include "pairs.glsl"
#include "narrow.glsl"

// One workgroup updates U·W pairs of n parameters; the gradient is g/scale, and with
// g' that times min(1, maxNorm/(norm/scale)), or itself if maxNorm is 0:
//   m = beta1·m + (1 - beta1)·g'
//   v = beta2·v + (1 - beta2)·g'²
//   p = p - lr·((m/c1) / (sqrt(v/c2) + eps) + decay·p)
// and g = 0 if ZERO. p, g, m, v are [n], norm [1], hyper [9]. If norm is Inf or
// NaN, p, m and v keep their bits. With COPY, a kind of narrow.glsl, copy [n] is p in 2
// bytes, n even.

layout(constant_id = 2) const uint DECAY = 0;
layout(constant_id = 3) const uint ZERO = 0;
layout(constant_id = 4) const uint COPY = 0;
const uint U = 16;

layout(push_constant, scalar) uniform Push {
  uint64_t norm, hyper, p, g, m, v, copy;
  uint n;
} a;

bool finite(float x) { return (floatBitsToUint(x) & 0x7f800000u) != 0x7f800000u; }

void main() {
  F32 h = F32(a.hyper);
  float lr = h.v[0], beta1 = h.v[1], beta2 = h.v[2], eps = h.v[3];
  float decay = h.v[4], c1 = h.v[5], c2 = h.v[6], most = h.v[7], unscale = h.v[8];
  float norm = F32(a.norm).v[0] * unscale, scale = unscale * (most > 0 && norm > most ? most / norm : 1);
  bool good = finite(norm);
  uint first = group() * U * W + LANE, pairs = (a.n + 1) / 2;
  for (uint u = 0; u < U; u++) {
    uint i = first + u * W;
    if (i >= pairs) break;
    if (good) {
      vec2 g = load2(a.g, i, a.n) * scale, p = load2(a.p, i, a.n);
      vec2 m = beta1 * load2(a.m, i, a.n) + (1 - beta1) * g;
      vec2 v = beta2 * load2(a.v, i, a.n) + (1 - beta2) * (g * g);
      vec2 by = (m / c1) / (sqrt(v / c2) + eps);
      if (DECAY != 0) by += decay * p;
      store2(a.m, i, a.n, m);
      store2(a.v, i, a.n, v);
      store2(a.p, i, a.n, p - lr * by);
    }
    if (ZERO != 0) store2(a.g, i, a.n, vec2(0));
    if (COPY != 0) U32(a.copy).v[i] = narrow(load2(a.p, i, a.n), COPY);
  }
}
