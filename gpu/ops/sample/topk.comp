#version 460
//morton:variant topk
#include "morton.glsl"
#include "order.glsl"

// One workgroup finds the k largest of one row, largest first and of equals the lower
// index first: values [n, k] and indices [n, k] of x [n, v]. Each round takes the next
// behind the last, so nothing is sorted or remembered.

layout(push_constant, scalar) uniform Push {
  uint64_t x, values, indices;
  uint n, v, k;
} p;

void main() {
  uint r = group();
  if (r >= p.n) return;
  F32 x = F32(p.x + 4ul * uint64_t(r) * p.v);
  uint last = 0xffffffffu, lastAt = 0;
  for (uint j = 0; j < p.k; j++) {
    uint best = 0, at = 0xffffffffu;
    for (uint i = LANE; i < p.v; i += W) {
      uint key = order(x.v[i]);
      bool behind = j == 0 || key < last || key == last && i > lastAt;
      if (behind && (at == 0xffffffffu || key > best)) {
        best = key;
        at = i;
      }
    }
    last = subgroupMax(at == 0xffffffffu ? 0 : best);
    lastAt = subgroupMin(best == last ? at : 0xffffffffu);
    if (LANE == 0) {
      uint64_t to = 4ul * (uint64_t(r) * p.k + j);
      if (p.values != 0) F32(p.values + to).v[0] = x.v[lastAt];
      if (p.indices != 0) I32(p.indices + to).v[0] = int(lastAt);
    }
  }
}
