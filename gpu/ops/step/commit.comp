#version 460
//morton:variant commit
#include "morton.glsl"
// One workgroup serves one lane: it writes the lane's drawn tokens to its slot,
// stops the lane behind an end token, and moves the cursor by n, up to the limit.
layout(push_constant, scalar) uniform Push {
  uint64_t slot, draw, drawn; // in
  uint64_t lane, tokens;      // in and out
  uint G, n, L, S;
} p;

void main() {
  uint g = group();
  if (g >= p.G) return;
  I32 lane = I32(p.lane + 16ul * g);
  uint b = lane.v[0], cursor = lane.v[1], limit = lane.v[2];
  uint end = U32(p.slot + 48ul * b).v[6];
  bool ends = U32(p.slot + 48ul * b).v[9] != 0; // a code may look like any word, so the flag is apart
  uint stop = limit;
  for (uint i = 0; i < p.n; i++) {
    uint r = g * p.n + i, at = cursor + i;
    if (U32(p.draw + 32ul * r).v[7] == 0) continue;
    for (uint s = LANE; s < p.S; s += W)
      U32(p.tokens + 4ul * ((uint64_t(b) * p.L + at) * p.S + s)).v[0] = U32(p.drawn + 4ul * (r * p.S + s)).v[0];
    if (U32(p.drawn + 4ul * (r * p.S)).v[0] == end && ends) stop = min(stop, at + 1);
  }
  if (LANE == 0) {
    lane.v[2] = int(stop);
    lane.v[1] = int(min(cursor + p.n, stop));
  }
}
