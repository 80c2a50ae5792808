#version 460
//morton:variant accept
#include "morton.glsl"
#include "philox.glsl"
#include "order.glsl"
bool may(uint i) { return true; }
#include "filter.glsl"
// One workgroup decides about one drafted token, and replaces it if it is rejected: row m
// of logits [m, v]. With p and q the filtered probabilities by the logits of the row and of
// the proposal, the token x stays if u·q(x) < p(x) + a, where u is uniform and a is the
// probability p of the nearest tokens to x, the nearest first, as long as it is at most
// delta. Else the token comes from max(p - q, 0). Every ahead-th row has no proposal, and
// draws from p.
//
// proposals is [slots·L, v] and tokens u32 [slots, L], by canvas and position. near is u32
// [v, K]. Draw and Temp are those of softmax.comp. At temperature 0 x stays if it is the
// likeliest token or among the nearest ones, whose probabilities are those of temperature
// 1. Random words have the counter (t/4, position, request, s): s is 0 for a row without
// proposal, 2^21 for u, and 2^21+1 for the token instead.
layout(push_constant, scalar) uniform Push {
  uint64_t logits, proposals, tokens, near, canvas, draw, temp, out_;
  uint rows, v, L, K, ahead, temps;
  float delta;
} p;

const uint ACCEPT = 1u << 21;

// A row's probabilities without their sum: weight(i) / total.
struct Row {
  F32 x;
  Filter f;
  float temperature, total;
};

uint lo, hi;

float weight(Row r, uint i) {
  float y = r.x.v[i];
  return i >= lo && i < hi && passes(r.f, y) ? exp((y - r.f.top) / r.temperature) / r.total : 0;
}

Row rowOf(uint64_t at, uint k, F32 t) {
  F32 x = F32(at);
  Row r = Row(x, filterOf(x, lo, hi, k, t.v[0], t.v[1], p.temps > 2 ? t.v[2] : 0), t.v[0] > 0 ? t.v[0] : 1, 1);
  float sum = 0;
  for (uint i = lo + LANE; i < hi; i += W) sum += weight(r, i);
  r.total = subgroupAdd(sum);
  return r;
}

// likeliest is the first of the largest logits.
uint likeliest(Row r) {
  uint arg = 0xffffffffu;
  for (uint i = lo + LANE; i < hi; i += W)
    if (r.x.v[i] == r.f.top) arg = min(arg, i);
  return subgroupMin(arg);
}

// around returns the probability of the nearest tokens to x, and whether one of them is sought.
float around(Row r, uint x, uint sought, out bool found) {
  float moved = 0;
  found = false;
  for (uint k = 0; k < p.K; k += W) {
    bool there = k + LANE < p.K;
    uint n = there ? U32(p.near).v[x * p.K + k + LANE] : 0;
    float sum = moved + subgroupInclusiveAdd(there ? weight(r, n) : 0);
    bool fits = there && sum <= p.delta;
    moved = subgroupMax(fits ? sum : moved);
    found = found || subgroupMax(fits && n == sought ? 1u : 0u) != 0;
    if (subgroupMax(there && !fits ? 1u : 0u) != 0) break;
  }
  return moved;
}

void main() {
  uint m = group();
  if (m >= p.rows) return;
  U32 d = U32(p.draw + 32ul * m), o = U32(p.out_ + 4ul * m);
  if (d.v[7] == 0) return;
  uvec2 key = uvec2(d.v[0], d.v[1]);
  uint request = d.v[2], position = d.v[3], k = d.v[6], at = I32(p.canvas).v[m] * p.L + position, x = min(U32(p.tokens).v[at], p.v - 1);
  lo = d.v[4];
  hi = min(d.v[5] & 0xffffffu, p.v);
  F32 t = F32(p.temp + 4ul * m * p.temps);
  Row mine = rowOf(p.logits + 4ul * uint64_t(m) * p.v, k, t), said = rowOf(p.proposals + 4ul * uint64_t(at) * p.v, k, t);
  bool checks = (m + 1) % p.ahead != 0, sampled = t.v[0] > 0, found;
  uint likely = likeliest(mine);
  float moved = around(mine, x, likely, found);
  if (!sampled) {
    if (LANE == 0) o.v[0] = checks && found ? x : likely;
    return;
  }
  float u = uniform24(philox(uvec4(0, position, request, ACCEPT), key).x);
  if (checks && u * weight(said, x) < weight(mine, x) + moved) {
    if (LANE == 0) o.v[0] = x;
    return;
  }
  float best = LOWEST;
  uint arg = likely;
  for (uint b = lo / 4 + LANE; b * 4 < hi; b += W) {
    uvec4 noise = philox(uvec4(b, position, request, checks ? ACCEPT + 1 : 0), key);
    for (uint j = 0; j < 4; j++) {
      uint i = 4 * b + j;
      if (i < lo || i >= hi) continue;
      float w = weight(mine, i) - (checks ? weight(said, i) : 0);
      if (w <= 0) continue;
      float y = log(w) + gumbel(noise[j]);
      if (y > best) {
        best = y;
        arg = i;
      }
    }
  }
  float most = subgroupMax(best);
  uint token = subgroupMin(best == most ? arg : 0xffffffffu);
  if (LANE == 0) o.v[0] = token;
}
