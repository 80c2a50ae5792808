#version 460
//morton:variant bits_bce
#include "morton.glsl"

// One workgroup does one row of x [n, bits] against target [n, words]: the sum
// of the bits' cross-entropies, and the gradient, which may replace x. Lanes
// stride over bits. e = exp(-|x|) never overflows; for e < 2^-6 ln(1 + e) is its
// series, since 1 + e would round e away.

layout(constant_id = 1) const uint WEIGHT = 1;
layout(constant_id = 2) const uint GRAD = 1;

layout(push_constant, scalar) uniform Push {
  uint64_t x, target, weight, loss, dx;
  uint n, bits, words;
} p;

float log1p(float e) {
  float series = e * (1 - e * (0.5 - e * (1.0 / 3 - e * 0.25)));
  return e < 0.015625 ? series : log(1 + e);
}

void main() {
  uint g = group();
  if (g >= p.n) return;
  F32 x = F32(p.x + 4ul * uint64_t(g) * p.bits), dx = F32(p.dx + 4ul * uint64_t(g) * p.bits);
  U32 words = U32(p.target + 4ul * uint64_t(g) * p.words);
  float weight = WEIGHT != 0 ? F32(p.weight).v[g] : 1;
  float loss = 0;
  for (uint base = 0; base < p.bits; base += W) {
    uint c = base + LANE, i = min(c, p.bits - 1);
    float a = x.v[i];
    bool t = (words.v[i / 32] >> (i % 32) & 1u) != 0;
    float e = exp(-abs(a));
    // Against the target's sign the loss holds |x|, along it only the tail.
    bool wrong = t != (a > 0);
    loss += c < p.bits ? (wrong ? abs(a) : 0) + log1p(e) : 0;
    if (GRAD != 0 && c < p.bits) {
      float d = weight * (wrong ? 1 : e) / (1 + e);
      dx.v[i] = weight == 0 ? 0 : (t ? -d : d);
    }
  }
  loss = subgroupAdd(loss);
  if (LANE == 0) F32(p.loss).v[g] = weight == 0 ? 0 : loss;
}
