#version 460
//morton:variant commit
#include "morton.glsl"
// One workgroup serves one lane: it writes the lane's drawn tokens to its canvas,
// stops the lane behind an end token, and moves its cursors by a step. Where the lane
// checks drafted tokens it goes on only as far as what is drawn is what was there: the
// first token that differs takes the draft's place, and the next step begins behind it.
layout(push_constant, scalar) uniform Push {
  uint64_t sampling, draw, drawn; // in
  uint64_t batch, tokens;         // in and out
  uint G, L, S;
} p;

const uint LANEWORDS = 13;

void main() {
  uint g = group();
  if (g >= p.G) return;
  I32 lane = I32(p.batch + 4ul * LANEWORDS * g);
  uint canvas = lane.v[1], first = lane.v[10];
  U32 slot = U32(p.sampling + 48ul * canvas);
  uint end = slot.v[6];
  bool ends = slot.v[7] != 0; // a code may look like any word, so the flag is apart
  bool checks = lane.v[11] != 0;
  int rows = lane.v[3], draws = lane.v[6], count = lane.v[7], step = lane.v[4];
  for (int i = 0; i < count; i++) {
    U32 d = U32(p.draw + 32ul * (first + i));
    if (d.v[7] == 0) continue;
    U32 from = U32(p.drawn + 4ul * (first + i) * p.S), to = U32(p.tokens + 4ul * (uint64_t(canvas) * p.L + d.v[3]) * p.S);
    bool differs = false;
    for (uint s = LANE; s < p.S; s += W) {
      differs = differs || to.v[s] != from.v[s];
      to.v[s] = from.v[s];
    }
    if (ends && from.v[0] == end) {
      draws = min(draws, lane.v[5] + i + 1);
      rows = min(rows, lane.v[2] + step);
    }
    if (checks && subgroupMax(differs ? 1u : 0u) != 0) { // a row behind it was fed what is not there
      count = i + 1;
      step = i + 1;
    }
  }
  subgroupBarrier();
  if (LANE == 0) {
    lane.v[3] = rows;
    lane.v[6] = draws;
    lane.v[2] = min(lane.v[2] + step, rows);
    lane.v[5] = min(lane.v[5] + count, draws);
  }
}
