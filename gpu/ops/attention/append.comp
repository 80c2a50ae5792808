#version 460
//morton:variant append
#extension GL_EXT_control_flow_attributes : require
#include "morton.glsl"

// One workgroup copies one row of k and v, d floats each, into slot[row] of
// sequence seq[row]. k and v have row strides ldk and ldv; the caches are
// [b, s, d]. Rows outside the cache are skipped. Lanes take pairs of floats.

layout(push_constant, scalar) uniform Push {
  uint64_t k, v, seq, slot, ck, cv;
  uint rows, d, ldk, ldv, b, s;
} p;

void main() {
  uint row = group();
  if (row >= p.rows) return;
  int seq = I32(p.seq).v[row], slot = I32(p.slot).v[row];
  if (seq < 0 || slot < 0 || seq >= int(p.b) || slot >= int(p.s)) return;
  uint64_t to = 4ul * (uint64_t(seq) * p.s + uint64_t(slot)) * p.d;
  F32x2 k = F32x2(p.k + 4ul * uint64_t(row) * p.ldk), v = F32x2(p.v + 4ul * uint64_t(row) * p.ldv);
  F32x2 ck = F32x2(p.ck + to), cv = F32x2(p.cv + to);
  uint pairs = p.d / 2;
  for (uint i = LANE; i < pairs; i += 4 * W) {
    [[unroll]] for (uint u = 0; u < 4; u++) {
      uint c = i + u * W;
      if (c < pairs) {
        ck.v[c] = k.v[c];
        cv.v[c] = v.v[c];
      }
    }
  }
}
