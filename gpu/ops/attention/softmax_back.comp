#version 460
//morton:variant softmax_back
#extension GL_EXT_control_flow_attributes : require
#include "morton.glsl"

// One workgroup turns one row of dP into dS, in place:
//
//   ds[k] = scale · p[k] · (dp[k] - sum_j dp[j]·p[j])
//
// p and ds are [b·h, n, ld], ld = n rounded up to even; ds's pad column becomes
// 0. The row sum runs over lanes of column pairs, so it errs by at most
// (n/W + log W + 2)·2^-24·sum|dp·p|.

layout(push_constant, scalar) uniform Push {
  uint64_t p, ds;
  uint rows, n;
  float scale;
} p;

const uint U = 4;

void main() {
  uint g = group();
  if (g >= p.rows) return;
  uint pairs = (p.n + 1) / 2;
  F32x2 prob = F32x2(p.p + 8ul * uint64_t(g) * pairs);
  F32x2 ds = F32x2(p.ds + 8ul * uint64_t(g) * pairs);
  bool odd = (p.n & 1) != 0; // the last pair's second column is the pad

  vec2 sum = vec2(0);
  for (uint i = LANE; i < pairs; i += U * W) {
    [[unroll]] for (uint u = 0; u < U; u++) {
      uint c = min(i + u * W, pairs - 1);
      vec2 d = floats(ds.v[c]) * floats(prob.v[c]);
      if (odd && c == pairs - 1) d.y = 0;
      if (i + u * W < pairs) sum += d;
    }
  }
  float dot = subgroupAdd(sum.x + sum.y);
  for (uint i = LANE; i < pairs; i += U * W) {
    [[unroll]] for (uint u = 0; u < U; u++) {
      uint c = min(i + u * W, pairs - 1);
      vec2 d = (floats(ds.v[c]) - dot) * floats(prob.v[c]) * p.scale;
      if (odd && c == pairs - 1) d.y = 0;
      if (i + u * W < pairs) ds.v[c] = pack64(floatBitsToUint(d));
    }
  }
}
