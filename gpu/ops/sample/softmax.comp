#version 460
//morton:variant softmax
#include "morton.glsl"
#include "philox.glsl"
#include "order.glsl"
// One workgroup draws one token: row r = (n, s) of logits [n·S, v].
//
// Draw u32 [n, 8] = seed (2 words), request, position, lo, hi, top_k, active;
// the top byte of hi, if not 0, is how many sub-tokens exist: the others are 0.
// Temp f32 [n, 2 or 3] = temperature, top_p, min_p. Only tokens lo <= t < hi may be drawn.
// The draw is argmax_t(logit/T + Gumbel), Gumbel from Philox with the counter
// (t/4, position, request, s); ties go to the lower token. Filters: of the
// allowed tokens the top_k largest (0: all; ties at the edge all stay), and of
// those the fewest whose probability reaches top_p, and none whose probability is
// below min_p times the largest. T = 0 is argmax.
layout(constant_id = 1) const uint MASK = 0; // 1: only tokens whose bit is set in mask u32 [n, ceil(v/32)]
layout(push_constant, scalar) uniform Push { uint64_t logits, draw, temp, mask, out_; uint rows, S, v, ld, temps; } p;

F32 x;    // the row of logits
U32 mask; // and its mask

bool may(uint i) { return MASK == 0 || (mask.v[i / 32] >> i % 32 & 1) != 0; }
#include "filter.glsl"

void main() {
  uint r = group();
  if (r >= p.rows) return;
  uint n = r / p.S, s = r % p.S;
  U32 d = U32(p.draw + 32ul * n);
  if (d.v[7] == 0) return;
  F32 t = F32(p.temp + 4ul * n * p.temps);
  x = F32(p.logits + 4ul * uint64_t(r) * p.ld);
  mask = U32(p.mask + 4ul * uint64_t(n) * ((p.v + 31) / 32));
  uvec2 key = uvec2(d.v[0], d.v[1]);
  uint request = d.v[2], position = d.v[3], lo = d.v[4], hi = min(d.v[5] & 0xffffffu, p.v), k = d.v[6];
  uint exist = d.v[5] >> 24;
  if (exist != 0 && s >= exist) {
    lo = 0;
    hi = 1;
  }
  float temperature = t.v[0], top_p = t.v[1];

  Filter f = filterOf(x, lo, hi, k, temperature, top_p, p.temps > 2 ? t.v[2] : 0);
  float best = LOWEST;
  uint arg = hi;
  for (uint b = lo / 4 + LANE; b * 4 < hi; b += W) {
    uvec4 noise = temperature > 0 ? philox(uvec4(b, position, request, s), key) : uvec4(0);
    for (uint j = 0; j < 4; j++) {
      uint i = 4 * b + j;
      if (i < lo || i >= hi || !may(i)) continue;
      float y = x.v[i];
      if (!passes(f, y)) continue;
      if (temperature > 0) y = (y - f.top) / temperature + gumbel(noise[j]);
      if (y > best || arg == hi) {
        best = y;
        arg = i;
      }
    }
  }
  float most = subgroupMax(best);
  uint token = subgroupMin(best == most && arg < hi ? arg : 0xffffffffu);
  if (LANE == 0) U32(p.out_).v[r] = token == 0xffffffffu ? lo : token;
}
