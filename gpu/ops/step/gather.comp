#version 460
//morton:variant gather
#include "morton.glsl"
// One workgroup gathers one row r = lane·n + i: position p = cursor + i of the
// lane's slot, active if p < limit. The tables are drawn in step.go.
layout(constant_id = 1) const uint CODES = 0; // 1: tokens are binary codes
layout(push_constant, scalar) uniform Push {
  uint64_t lane, slot, plan, tokens;            // in
  uint64_t rows, ids, words, axes, draw, temps; // out
  uint R, n, L, K, F, S, A, base, V, ctx;
} p;

void main() {
  uint r = group();
  if (r >= p.R) return;
  I32 lane = I32(p.lane + 16ul * (r / p.n));
  uint b = lane.v[0], at = lane.v[1] + r % p.n;
  bool live = int(at) < lane.v[2];
  at = min(at, p.L - 1);
  uint cols = p.K + p.F + p.A + 3;
  I32 plan = I32(p.plan + 4ul * (uint64_t(b) * p.L + at) * cols);
  U32 slot = U32(p.slot + 48ul * b);

  // Static ids, then the embeddings of the fed tokens.
  uint width = CODES != 0 ? p.K : p.K + p.F * p.S;
  I32 ids = I32(p.ids + 4ul * r * width);
  for (uint j = LANE; j < p.K; j += W) ids.v[j] = live ? plan.v[j] : -1;
  for (uint j = LANE; j < p.F * p.S; j += W) {
    uint f = j / p.S, s = j % p.S;
    int from = plan.v[p.K + f];
    bool fed = live && from >= 0;
    uint token = fed ? U32(p.tokens + 4ul * ((uint64_t(b) * p.L + from) * p.S + s)).v[0] : 0;
    if (CODES != 0) {
      U32(p.words).v[r * p.F * p.S + j] = token;
      if (s == 0) I32(p.axes + 4ul * p.R * p.A).v[r * p.F + f] = fed ? 1 : 0; // valid flags follow the axes
    } else {
      ids.v[p.K + j] = !live ? -1 : int(p.base + j * (p.V + 1) + (fed ? min(token, p.V - 1) : p.V));
    }
  }
  for (uint j = LANE; j < p.A; j += W) I32(p.axes).v[r * p.A + j] = plan.v[p.K + p.F + j];
  if (LANE == 0) {
    I32 rows = I32(p.rows);
    rows.v[r] = int(b);
    // The cache keeps the pinned positions and a ring of the latest others.
    uint pinned = slot.v[8], ring = p.ctx - pinned;
    uint place = at < p.ctx ? at : pinned + (at - pinned) % ring;
    rows.v[p.R + r] = live ? int(place) : -1;
    rows.v[2 * p.R + r] = live ? min(plan.v[cols - 3], int(p.ctx)) : 0;
    bool drawn = live && int(at) >= lane.v[3];
    U32 d = U32(p.draw + 32ul * r);
    d.v[0] = slot.v[0];
    d.v[1] = slot.v[1];
    d.v[2] = slot.v[2];
    d.v[3] = at;
    d.v[4] = plan.v[cols - 2];
    d.v[5] = plan.v[cols - 1];
    d.v[6] = slot.v[3];
    d.v[7] = drawn ? 1 : 0;
    U32(p.temps).v[2 * r] = slot.v[4];
    U32(p.temps).v[2 * r + 1] = slot.v[5];
  }
}
