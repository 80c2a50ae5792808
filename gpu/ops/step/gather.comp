#version 460
//morton:variant gather
#include "morton.glsl"
// One workgroup gathers one row of the step, or behind the rows one draw. The
// batch says to which lane each belongs and where it lies behind the lane's cursor.
// The tables are described in step.go.
layout(constant_id = 1) const uint CODES = 0; // 1: tokens are binary codes
layout(constant_id = 2) const uint RANGES = 0; // of a row
layout(constant_id = 3) const uint BRANCHES = 2; // of guidance
layout(push_constant, scalar) uniform Push {
  uint64_t batch, sampling, rows, draws, tokens; // in
  uint64_t ints, ids, words, draw, floats_;      // out
  uint R, M, G, L, K, F, S, A, base, V, H, states; // states: places of a slot, and recalls a row in the upper four bits
} p;

const uint LANEWORDS = 13;

I32 lanes() { return I32(p.batch); }

// state numbers a place of a slot among those of all slots.
int state(int place, uint slot) {
  uint places = p.states & 0xfffffffu;
  return place < 0 || place >= int(places) ? -1 : int(slot * places) + place;
}

void gatherRow(uint r) {
  I32 at = I32(p.batch + 4ul * (p.G * LANEWORDS + 2 * r));
  bool live = at.v[0] >= 0;
  I32 lane = I32(p.batch + 4ul * LANEWORDS * max(at.v[0], 0));
  uint b = lane.v[0], canvas = lane.v[1];
  int n = lane.v[2] + at.v[1];
  live = live && n < lane.v[3];
  uint kept = p.states > 0 ? 1 + (p.states >> 28) : 0, rest = p.K + p.F + p.A, cols = rest + 2 + kept + 2 * RANGES;
  I32 plan = I32(p.rows + 4ul * (uint64_t(b) * p.L + (live ? n : 0)) * cols);

  // Fixed ids, then the embeddings of the tokens the row is fed.
  uint width = CODES != 0 ? p.K : p.K + p.F * p.S;
  I32 ids = I32(p.ids + 4ul * r * width);
  for (uint j = LANE; j < p.K; j += W) ids.v[j] = live ? plan.v[j] : -1;
  I32 axes = I32(p.ints + 12ul * p.R), valid = I32(p.ints + 4ul * p.R * (3 + p.A));
  for (uint j = LANE; j < p.F * p.S; j += W) {
    uint f = j / p.S, s = j % p.S;
    int from = plan.v[p.K + f];
    bool fed = live && from >= 0;
    uint token = fed ? U32(p.tokens + 4ul * ((uint64_t(canvas) * p.L + from) * p.S + s)).v[0] : 0;
    if (CODES != 0) {
      U32(p.words).v[r * p.F * p.S + j] = token;
      if (s == 0) valid.v[r * p.F + f] = fed ? 1 : 0;
    } else {
      // A fixed row stands for itself: without fed tokens nothing marks a start.
      ids.v[p.K + j] = !live || from < -1 ? -1 : int(p.base + j * (p.V + 1) + (fed ? min(token, p.V - 1) : p.V));
    }
  }
  for (uint j = LANE; j < p.A; j += W) axes.v[r * p.A + j] = plan.v[p.K + p.F + j];
  I32 ranges = I32(p.ints + 4ul * (p.R * (3 + p.A + p.F + kept) + p.M * (1 + BRANCHES * p.H)));
  for (uint j = LANE; j < 2 * RANGES; j += W) ranges.v[r * 2 * RANGES + j] = live ? plan.v[rest + 2 + kept + j] : 0;
  if (LANE == 0) {
    I32 ints = I32(p.ints);
    ints.v[r] = int(b);
    ints.v[p.R + r] = live ? plan.v[rest] : -1;
    ints.v[2 * p.R + r] = live ? plan.v[rest + 1] : 0;
    if (p.states > 0) {
      I32 states = I32(p.ints + 4ul * (p.R * (3 + p.A + p.F) + p.M * (1 + BRANCHES * p.H)));
      for (uint j = 0; j <= p.states >> 28; j++) states.v[j * p.R + r] = live ? state(plan.v[rest + 2 + j], b) : -1;
    }
  }
}

void gatherDraw(uint m) {
  I32 at = I32(p.batch + 4ul * (p.G * LANEWORDS + 2 * (p.R + m)));
  I32 lane = I32(p.batch + 4ul * LANEWORDS * max(at.v[0], 0));
  uint b = lane.v[0], canvas = lane.v[1];
  int n = lane.v[5] + at.v[1];
  bool live = at.v[0] >= 0 && n < lane.v[6];
  I32 plan = I32(p.draws + 4ul * (uint64_t(b) * p.L + (live ? n : 0)) * (3 + BRANCHES + p.H));
  U32 slot = U32(p.sampling + 48ul * canvas);
  I32 seq = I32(p.ints + 4ul * p.R * (3 + p.A + p.F)), picks = I32(p.ints + 4ul * (p.R * (3 + p.A + p.F) + p.M));
  for (uint j = LANE; j < p.H; j += W) {
    int from = live ? plan.v[5 + j] : -1;
    picks.v[BRANCHES * j * p.M + m] = from < 0 ? -1 : lane.v[8] + from;
    for (int k = 1; k < int(BRANCHES); k++) // branches lie side by side
      picks.v[(BRANCHES * j + k) * p.M + m] = from < 0 || lane.v[9] < 0 || k >= lane.v[12] ? -1 : lane.v[9] + (k - 1) * lane.v[4] + from;
  }
  if (LANE == 0) {
    seq.v[m] = int(canvas);
    U32 d = U32(p.draw + 32ul * m);
    d.v[0] = slot.v[0];
    d.v[1] = slot.v[1];
    d.v[2] = slot.v[2];
    d.v[3] = live ? plan.v[0] : 0;
    d.v[4] = plan.v[1];
    d.v[5] = plan.v[2];
    d.v[6] = slot.v[3];
    d.v[7] = live ? 1 : 0;
    U32 t = U32(p.floats_ + 12ul * m);
    t.v[0] = floatBitsToUint(uintBitsToFloat(slot.v[4]) * intBitsToFloat(plan.v[4]));
    t.v[1] = slot.v[5];
    t.v[2] = slot.v[8];
    U32 scales = U32(p.floats_ + 12ul * p.M);
    scales.v[m] = plan.v[3];
    for (uint k = 1; k + 1 < BRANCHES; k++) scales.v[k * p.M + m] = plan.v[4 + p.H + k];
  }
}

void main() {
  uint i = group();
  if (i < p.R) gatherRow(i);
  else if (i < p.R + p.M) gatherDraw(i - p.R);
}
