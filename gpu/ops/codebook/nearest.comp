#version 460
//morton:variant nearest
#include "morton.glsl"
#include "order.glsl"

// One workgroup finds one row's nearest code: the t with the largest dots[r, t] -
// norms[t], or with COSINE dots[r, t]·norms[t]; of equals the lowest. dots is [rows, v],
// norms [v], ids [rows].

layout(constant_id = 1) const uint COSINE = 0;

layout(push_constant, scalar) uniform Push {
  uint64_t dots, norms, ids;
  uint rows, v;
} p;

void main() {
  uint r = group();
  if (r >= p.rows) return;
  F32 dots = F32(p.dots + 4ul * uint64_t(r) * p.v), norms = F32(p.norms);
  uint best = 0, at = 0;
  for (uint t = LANE; t < p.v; t += W) {
    float score = COSINE != 0 ? dots.v[t] * norms.v[t] : dots.v[t] - norms.v[t];
    uint key = order(score + 0.0); // −0 is 0
    if (key > best) {
      best = key;
      at = t;
    }
  }
  uint most = subgroupMax(best);
  uint id = subgroupMin(best == most ? at : 0xffffffffu);
  if (LANE == 0) I32(p.ids).v[r] = int(id);
}
