#version 460
//morton:variant nt_32 -DNT -DTM=32
//morton:variant nt_16 -DNT -DTM=16
//morton:variant nt_8 -DNT -DTM=8
//morton:variant nt_4 -DNT -DTM=4
//morton:variant nt_1 -DNT -DTM=1
//morton:variant nn_32 -DNN -DTM=32
//morton:variant nn_8 -DNN -DTM=8
//morton:variant tn_32 -DTN -DTM=32
//morton:variant tn_8 -DTN -DTM=8
#include "morton.glsl"

// One workgroup computes TM rows by V·W columns of one product of the batch:
//
//   C[m, n] = alpha · sum_k A(m, k) · B(k, n)  (+ C[m, n])  (+ bias[n])
//
// A is [M, K] (NT, NN) or [K, M] (TN); B is [N, K] (NT) or [K, N] (NN, TN); C
// is [M, N]. Lanes span columns. Each lane loads elements of A for one row and
// broadcasts them; loads take two floats at once (along k, or two columns).
// Every element adds its products in the order of k, in one f32 accumulator,
// whatever TM, so a row's bits do not depend on how many rows come with it.
// K is even for NT; ldb is even always; lda is even except for TN.

layout(constant_id = 1) const uint BETA = 0; // 1: add to C
layout(constant_id = 2) const uint BIAS = 0; // 1: add bias
const uint V = 4;

layout(push_constant, scalar) uniform Push {
  uint64_t a, b, bias, c;
  uint M, N, K, lda, ldb, ldc;
  uint inner;                    // batch index z = outer·inner + i
  uint sao, sai, sbo, sbi, sco, sci; // strides in elements, outer and inner
  float alpha;
} p;

const uint RA = (TM + 63) / 64 > 0 ? TM : 1;

void main() {
  uint z = gl_WorkGroupID.z, zo = z / p.inner, zi = z % p.inner;
  uint64_t pa = p.a + 4ul * (uint64_t(zo) * p.sao + uint64_t(zi) * p.sai);
  uint64_t pb = p.b + 4ul * (uint64_t(zo) * p.sbo + uint64_t(zi) * p.sbi);
  uint64_t pc = p.c + 4ul * (uint64_t(zo) * p.sco + uint64_t(zi) * p.sci);
  uint row0 = gl_WorkGroupID.y * TM, col0 = gl_WorkGroupID.x * V * W;
  const uint R = (TM + W - 1) / W; // registers of A a lane holds
  float acc[TM][V];
  for (uint i = 0; i < TM; i++)
    for (uint v = 0; v < V; v++) acc[i][v] = 0;

  uint64_t arow[R];
  for (uint r = 0; r < R; r++) {
    uint m = min(row0 + min(r * W + LANE, TM - 1), p.M - 1);
#ifdef TN
    arow[r] = pa + 4ul * m;
#else
    arow[r] = pa + 4ul * uint64_t(m) * p.lda;
#endif
  }
#ifdef NT
  uint64_t brow[V];
  for (uint v = 0; v < V; v++) brow[v] = pb + 4ul * uint64_t(min(col0 + v * W + LANE, p.N - 1)) * p.ldb;
#else
  // A lane owns column pairs: V/2 of them.
  uint64_t bcol[V / 2];
  for (uint v = 0; v < V / 2; v++) bcol[v] = pb + 4ul * min(col0 + (v * W + LANE) * 2, (p.N - 1) & ~1u);
#endif

  for (uint k = 0; k < p.K; k += 2) {
    vec2 a[R];
    for (uint r = 0; r < R; r++) {
#ifdef TN
      a[r].x = F32(arow[r] + 4ul * uint64_t(k) * p.lda).v[0];
      a[r].y = k + 1 < p.K ? F32(arow[r] + 4ul * uint64_t(k + 1) * p.lda).v[0] : 0;
#else
      a[r] = floats(F32x2(arow[r]).v[k / 2]);
#ifdef NN
      if (k + 1 >= p.K) a[r].y = 0;
#endif
#endif
    }
    vec2 b[V]; // b[v].x at k, .y at k+1
#ifdef NT
    for (uint v = 0; v < V; v++) b[v] = floats(F32x2(brow[v]).v[k / 2]);
#else
    uint k1 = min(k + 1, p.K - 1);
    for (uint v = 0; v < V / 2; v++) {
      vec2 x = floats(F32x2(bcol[v] + 4ul * uint64_t(k) * p.ldb).v[0]);
      vec2 y = floats(F32x2(bcol[v] + 4ul * uint64_t(k1) * p.ldb).v[0]);
      b[2 * v] = vec2(x.x, y.x);
      b[2 * v + 1] = vec2(x.y, y.y);
    }
#endif
    for (uint i = 0; i < TM; i++) {
      float ax = subgroupBroadcast(a[i / W].x, i % W), ay = subgroupBroadcast(a[i / W].y, i % W);
      for (uint v = 0; v < V; v++) acc[i][v] = fma(ay, b[v].y, fma(ax, b[v].x, acc[i][v]));
    }
  }

  for (uint v = 0; v < V; v++) {
#ifdef NT
    uint n = col0 + v * W + LANE;
#else
    uint n = col0 + ((v / 2) * W + LANE) * 2 + v % 2;
#endif
    if (n < p.N) {
      float bias = BIAS != 0 ? F32(p.bias).v[n] : 0;
      for (uint i = 0; i < TM; i++) {
        if (row0 + i < p.M) {
          F32 out_ = F32(pc + 4ul * (uint64_t(row0 + i) * p.ldc + n));
          float x = acc[i][v] * p.alpha + bias;
          out_.v[0] = BETA != 0 ? out_.v[0] + x : x;
        }
      }
    }
  }
}
