#version 460
//morton:variant softmax
#extension GL_EXT_control_flow_attributes : require
#include "morton.glsl"

// One workgroup turns one row of scores into probabilities, in place:
//
//   s[z, q, k] = exp(s[z, q, k] - max) / sum   for the keys k that q sees, else 0
//
// s is [b·h, n, ld], ld = n rounded up to even; the pad column becomes 0. Query
// q sees key k iff key[k] <= key[q]; key is [b, n]. A row that sees nothing
// becomes 0 (by the mask every query sees itself). Lanes take pairs of columns, U pairs an iteration. Against the
// oracle: exp errs by (3 + 2|x|)·2^-23 relative, the sum by (n/W + log W)·2^-24.

layout(push_constant, scalar) uniform Push {
  uint64_t key, s;
  uint rows, n, heads;
} p;

const uint U = 4;
const float LOWEST = -3.4e38;

I32 key;
int mine; // the query's key
F32x2 row;
uint pairs;

// scores loads pair i, LOWEST where the query sees no key.
vec2 scores(uint i) {
  uint c = min(i, pairs - 1);
  vec2 x = floats(row.v[c]);
  int k0 = key.v[2 * c], k1 = key.v[min(2 * c + 1, p.n - 1)];
  bool in0 = i < pairs && k0 <= mine, in1 = i < pairs && 2 * c + 1 < p.n && k1 <= mine;
  return vec2(in0 ? x.x : LOWEST, in1 ? x.y : LOWEST);
}

void main() {
  uint g = group();
  if (g >= p.rows) return;
  key = I32(p.key + 4ul * uint64_t(g / (p.heads * p.n)) * p.n);
  mine = key.v[g % p.n];
  pairs = (p.n + 1) / 2;
  row = F32x2(p.s + 8ul * uint64_t(g) * pairs);

  float top = LOWEST;
  for (uint i = LANE; i < pairs; i += U * W) {
    vec2 x[U];
    [[unroll]] for (uint u = 0; u < U; u++) x[u] = scores(i + u * W);
    [[unroll]] for (uint u = 0; u < U; u++) top = max(top, max(x[u].x, x[u].y));
  }
  top = subgroupMax(top);

  vec2 sum = vec2(0);
  for (uint i = LANE; i < pairs; i += U * W) {
    [[unroll]] for (uint u = 0; u < U; u++) {
      vec2 x = scores(i + u * W);
      vec2 e = vec2(x.x == LOWEST ? 0 : exp(x.x - top), x.y == LOWEST ? 0 : exp(x.y - top));
      sum += e;
      if (i + u * W < pairs) row.v[i + u * W] = pack64(floatBitsToUint(e));
    }
  }
  float total = subgroupAdd(sum.x + sum.y);
  float inv = total == 0 ? 0 : 1 / total; // NaN stays NaN
  for (uint i = LANE; i < pairs; i += U * W) {
    [[unroll]] for (uint u = 0; u < U; u++) {
      uint c = i + u * W;
      vec2 e = floats(row.v[min(c, pairs - 1)]) * inv;
      if (c < pairs) row.v[c] = pack64(floatBitsToUint(e));
    }
  }
}
