#version 460
//morton:variant step
#include "morton.glsl"
#include "philox.glsl"
#include "sincos.glsl"
#include "normal.glsl"
#include "present.glsl"
// One workgroup moves one draw by one pass, x <- keep·x + move·e + noise (see step.go),
// and its place in the table by one row. x is f32 [m, c], said [b·m, c or 2c], table
// [passes, 6], recorded [slots, l, n, c], info [m, iw], at i32 [places, m]. A lane takes four columns, which share a
// counter; it reads what it then writes, and everybody reads the place before it moves.
//
// proposals is f32 [slots, L, 5, c]. At the last pass with noise a draft keeps its numbers
// there, their means, and the logs of their variances. A check keeps its own means and logs behind them,
// and decides about the numbers, see draft.go. kept is u32 [slots, L].
layout(constant_id = 1) const uint LEARNED = 0; // columns c to 2c-1 of said are of the variance
layout(constant_id = 2) const uint BRANCHES = 1; // of said
layout(constant_id = 3) const uint RECORDED = 0;
layout(constant_id = 4) const uint BACK = 0; // 1: what guidance of the first branch says is scaled
layout(constant_id = 5) const uint DRAFT = 0; // 1: keeps what it proposes; 2: checks what was proposed
layout(push_constant, scalar) uniform Push {
  uint64_t said, table, draw, info, recorded, back; // in
  uint64_t x, at, proposals, kept;                  // in and out
  uint m, c, passes, l, n, places, iw, L;
  float share;
} p;

const uint TRIES = 1u << 14, CHECK = 1u << 22, WORD = 0xffffffffu;

// surplus is a number's part of log p - log q. Own and other are the mean and the log of the
// variance, of p and of q.
float surplus(float y, vec2 own, vec2 other) {
  float a = (y - own.x) * exp(-0.5 * own.y), b = (y - other.x) * exp(-0.5 * other.y);
  return 0.5 * (b * b - a * a + other.y - own.y);
}

// decide puts the proposed numbers into x, or others.
void decide(F32 x, F32 proposal, U32 d, U32 kept) {
  uvec2 key = uvec2(d.v[0], d.v[1]);
  float sum = 0;
  for (uint b = LANE; 4 * b < p.c; b += W)
    for (uint j = 4 * b; j < min(4 * b + 4, p.c); j++)
      sum += surplus(proposal.v[j], vec2(proposal.v[3 * p.c + j], proposal.v[4 * p.c + j]), vec2(proposal.v[p.c + j], proposal.v[2 * p.c + j]));
  sum = subgroupAdd(sum);
  bool stays = uniform24(philox(uvec4(WORD, d.v[3], d.v[2], CHECK), key).x) < exp(p.share * min(sum, 0));
  if (LANE == 0) kept.v[0] = stays ? 1 : 0;
  uint try_ = 0;
  bool done = false;
  do { // the end of a loop is at the bottom, as in tile.glsl
    sum = 0;
    for (uint b = LANE; 4 * b < p.c; b += W) {
      vec4 z = normals(philox(uvec4(b, d.v[3], d.v[2], CHECK + 1 + try_), key));
      for (uint k = 0; k < 4; k++) {
        uint j = 4 * b + k;
        if (j >= p.c) continue;
        vec2 own = vec2(proposal.v[3 * p.c + j], proposal.v[4 * p.c + j]);
        float y = stays ? proposal.v[j] : own.x + exp(0.5 * own.y) * z[k];
        sum += surplus(y, own, vec2(proposal.v[p.c + j], proposal.v[2 * p.c + j]));
        x.v[j] = y;
      }
    }
    sum = subgroupAdd(sum);
    try_++;
    done = stays || isnan(sum) || try_ == TRIES || uniform24(philox(uvec4(WORD, d.v[3], d.v[2], CHECK + try_), key).x) < 1 - exp(-sum);
  } while (!done);
}

void main() {
  uint i = group();
  if (i >= p.m) return;
  int at = I32(p.at).v[i];
  subgroupBarrier();
  U32 d = U32(p.draw + 32ul * i);
  int lo = int(d.v[4]), hi = int(min(d.v[5], p.passes));
  if (at < lo || at >= hi) return;
  F32 info = F32(p.info + 4ul * i * p.iw), t = F32(p.table + 24ul * uint(at));
  uint wide = LEARNED != 0 ? 2 * p.c : p.c, number = uint(at - lo + 1);
  F32 x = F32(p.x + 4ul * uint64_t(i) * p.c), said = F32(p.said + 4ul * uint64_t(i) * wide);
  float scale = info.v[1], heat = t.v[4] * info.v[0];
  bool guided = false;
  for (uint b = 0; b + 1 < BRANCHES; b++) guided = guided || info.v[b == 0 ? 1 : 3 + b] != 1;
  guided = guided && info.v[3] != 0 && t.v[5] == 0;
  bool last = DRAFT != 0 && heat > 0 && (at + 1 == hi || F32(p.table + 24ul * uint(min(at + 1, hi - 1))).v[4] == 0);
  uint64_t cell = uint64_t(uint(max(info.v[2], 0))) * p.L + min(d.v[3], p.L - 1);
  F32 proposal = F32(DRAFT != 0 ? p.proposals + 20ul * cell * p.c : p.x);
  for (uint b = LANE; 4 * b < p.c; b += W) {
    vec4 z = vec4(0);
    if (RECORDED == 0) z = normals(philox(uvec4(b, d.v[3], d.v[2], 256 + number), uvec2(d.v[0], d.v[1])));
    for (uint k = 0; k < 4; k++) {
      uint j = 4 * b + k;
      if (j >= p.c) continue;
      float e = said.v[j], v = t.v[2];
      if (guided) {
        float next = F32(p.said + 4ul * (uint64_t(i) + p.m) * wide).v[j], u = F32(p.said + 4ul * (uint64_t(i) + (BRANCHES - 1) * p.m) * wide).v[j];
        precise float moved = u + scale * (e - next);
        if (BACK != 0) moved *= F32(p.back).v[i];
        for (uint b = 1; b + 1 < BRANCHES; b++) {
          float x = next;
          next = F32(p.said + 4ul * (uint64_t(i) + (b + 1) * p.m) * wide).v[j];
          moved += info.v[3 + b] * (x - next);
        }
        e = moved;
      }
      if (LEARNED != 0) v += (t.v[3] - t.v[2]) * (0.5 * said.v[p.c + j] + 0.5);
      float noise = z[k];
      if (RECORDED != 0) noise = F32(p.recorded + 4ul * ((uint64_t(uint(info.v[2])) * p.l + min(d.v[3], p.l - 1)) * p.n + min(number, p.n - 1)) * p.c).v[j];
      precise float mean = t.v[0] * x.v[j] + t.v[1] * e, next = mean;
      if (heat != 0) next += heat * exp(0.5 * v) * noise;
      if (last) {
        uint first = DRAFT == 1 ? p.c : 3 * p.c;
        proposal.v[first + j] = mean;
        proposal.v[first + p.c + j] = v + 2 * log(heat);
        if (DRAFT == 1) proposal.v[j] = next;
      }
      x.v[j] = next;
    }
  }
  if (DRAFT == 2 && last) decide(x, proposal, d, U32(p.kept + 4ul * cell));
  if (LANE == 0) {
    int next = at + 1 < hi ? at + 1 : -1;
    for (uint b = 0; b < p.places; b++) I32(p.at).v[b * p.m + i] = next;
  }
}
