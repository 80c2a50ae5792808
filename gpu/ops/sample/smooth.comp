#version 460
//morton:variant smooth
#include "morton.glsl"
#include "philox.glsl"
#include "order.glsl"
#include "present.glsl"
// One workgroup makes the weights of one row of logits [n, v]: out [n, v] is the softmax
// of (gain·logit/T + Gumbel)/tau over the tokens that filter.glsl leaves, and 0 elsewhere.
// Draw, Temp and the Gumbel numbers are those of softmax.comp, for one sub-token. Recorded
// numbers, f32 [slots, l, e], come from the row's canvas and position. T = 0 gives all
// weight to the likeliest token, of equals the lowest. An inactive row is left alone.
layout(constant_id = 1) const uint RECORDED = 0;
layout(push_constant, scalar) uniform Push {
  uint64_t logits, draw, temp, canvas, recorded; // in
  uint64_t out_;
  uint rows, v, temps, l, e;
  float gain, tau;
} p;

bool may(uint i) { return true; }
#include "filter.glsl"

void main() {
  uint r = group();
  if (r >= p.rows) return;
  U32 d = U32(p.draw + 32ul * r);
  if (d.v[7] == 0) return;
  F32 t = F32(p.temp + 4ul * r * p.temps), x = F32(p.logits + 4ul * uint64_t(r) * p.v), o = F32(p.out_ + 4ul * uint64_t(r) * p.v);
  uint lo = d.v[4], hi = min(d.v[5], p.v);
  float temperature = t.v[0];
  Filter f = filterOf(x, lo, hi, d.v[6], temperature, t.v[1], p.temps > 2 ? t.v[2] : 0);
  F32 numbers = F32(p.recorded + 4ul * (uint64_t(uint(max(RECORDED != 0 ? I32(present(p.canvas, p.draw)).v[r] : 0, 0))) * p.l + min(d.v[3], p.l - 1)) * p.e);
  float best = LOWEST;
  uint arg = hi;
  for (uint b = LANE; b * 4 < p.v; b += W) {
    uvec4 noise = temperature > 0 && RECORDED == 0 ? philox(uvec4(b, d.v[3], d.v[2], 0), uvec2(d.v[0], d.v[1])) : uvec4(0);
    for (uint j = 0; j < 4; j++) {
      uint i = 4 * b + j;
      if (i >= p.v) continue;
      float y = LOWEST;
      if (i >= lo && i < hi && passes(f, x.v[i])) {
        y = x.v[i];
        if (temperature > 0) y = (p.gain * (y - f.top) / temperature + (RECORDED != 0 ? numbers.v[i] : gumbel(noise[j]))) / p.tau;
        if (y > best) {
          best = y;
          arg = i;
        }
      }
      o.v[i] = y;
    }
  }
  float top = subgroupMax(best), sum = 0;
  uint token = subgroupMin(best == top ? arg : 0xffffffffu);
  subgroupBarrier();
  for (uint i = LANE; i < p.v; i += W) {
    float y = o.v[i], w = temperature > 0 ? (y > LOWEST ? exp(max(y - top, -80)) : 0) : (i == token ? 1 : 0);
    o.v[i] = w;
    sum += w;
  }
  sum = subgroupAdd(sum);
  for (uint i = LANE; i < p.v; i += W) o.v[i] = o.v[i] / sum;
}
