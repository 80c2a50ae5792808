#version 460
//morton:variant average
#include "morton.glsl"

// One workgroup moves one code's averages, in the order of rows:
//   count[t] = decay·count[t] + (1 - decay)·|{r: ids[r] = t}|
//   sum[t, c] = decay·sum[t, c] + (1 - decay)·sum_{r: ids[r] = t} x[r, c]
// x is [n, d], ids [n], count [v], sum [v, d]. W ids are compared at a time and a
// column belongs to a lane, so a row is added whole; U columns a lane at once.

const uint U = 8;

layout(push_constant, scalar) uniform Push {
  uint64_t x, ids, count, sum;
  uint n, d, v;
  float decay;
} p;

void main() {
  uint t = group();
  if (t >= p.v) return;
  F32 to = F32(p.sum + 4ul * uint64_t(t) * p.d);
  for (uint c0 = 0; c0 < p.d; c0 += U * W) {
    float acc[U];
    for (uint u = 0; u < U; u++) acc[u] = 0;
    uint rows = 0;
    for (uint r0 = 0; r0 < p.n; r0 += W) {
      uint r = r0 + LANE;
      uvec4 hits = subgroupBallot(r < p.n && uint(I32(p.ids).v[min(r, p.n - 1)]) == t);
      while (any(notEqual(hits, uvec4(0)))) {
        uint j = subgroupBallotFindLSB(hits);
        hits[j / 32] &= ~(1u << (j % 32));
        rows++;
        F32 row = F32(p.x + 4ul * uint64_t(r0 + j) * p.d);
        for (uint u = 0; u < U; u++) {
          uint c = c0 + u * W + LANE;
          if (c < p.d) acc[u] += row.v[c];
        }
      }
    }
    for (uint u = 0; u < U; u++) {
      uint c = c0 + u * W + LANE;
      if (c < p.d) to.v[c] = p.decay * to.v[c] + (1 - p.decay) * acc[u];
    }
    if (c0 == 0 && LANE == 0) F32(p.count).v[t] = p.decay * F32(p.count).v[t] + (1 - p.decay) * float(rows);
  }
}
