#version 460
//morton:variant nt_32_w4 -DNT -DTM=32 -DWIDTH=4
//morton:variant nt_16_w4 -DNT -DTM=16 -DWIDTH=4
//morton:variant nt_8_w4 -DNT -DTM=8 -DWIDTH=4
//morton:variant nt_4_w4 -DNT -DTM=4 -DWIDTH=4
//morton:variant nt_1_w4 -DNT -DTM=1 -DWIDTH=4
//morton:variant nn_32_w4 -DNN -DTM=32 -DWIDTH=4
//morton:variant nn_8_w4 -DNN -DTM=8 -DWIDTH=4
//morton:variant tn_32_w4 -DTN -DTM=32 -DWIDTH=4
//morton:variant tn_8_w4 -DTN -DTM=8 -DWIDTH=4
//morton:variant nt_32_w8 -DNT -DTM=32 -DWIDTH=8
//morton:variant nt_16_w8 -DNT -DTM=16 -DWIDTH=8
//morton:variant nt_8_w8 -DNT -DTM=8 -DWIDTH=8
//morton:variant nt_4_w8 -DNT -DTM=4 -DWIDTH=8
//morton:variant nt_1_w8 -DNT -DTM=1 -DWIDTH=8
//morton:variant nn_32_w8 -DNN -DTM=32 -DWIDTH=8
//morton:variant nn_8_w8 -DNN -DTM=8 -DWIDTH=8
//morton:variant tn_32_w8 -DTN -DTM=32 -DWIDTH=8
//morton:variant tn_8_w8 -DTN -DTM=8 -DWIDTH=8
//morton:variant nt_32_w16 -DNT -DTM=32 -DWIDTH=16
//morton:variant nt_16_w16 -DNT -DTM=16 -DWIDTH=16
//morton:variant nt_8_w16 -DNT -DTM=8 -DWIDTH=16
//morton:variant nt_4_w16 -DNT -DTM=4 -DWIDTH=16
//morton:variant nt_1_w16 -DNT -DTM=1 -DWIDTH=16
//morton:variant nn_32_w16 -DNN -DTM=32 -DWIDTH=16
//morton:variant nn_8_w16 -DNN -DTM=8 -DWIDTH=16
//morton:variant tn_32_w16 -DTN -DTM=32 -DWIDTH=16
//morton:variant tn_8_w16 -DTN -DTM=8 -DWIDTH=16
//morton:variant nt_32_w32 -DNT -DTM=32 -DWIDTH=32
//morton:variant nt_16_w32 -DNT -DTM=16 -DWIDTH=32
//morton:variant nt_8_w32 -DNT -DTM=8 -DWIDTH=32
//morton:variant nt_4_w32 -DNT -DTM=4 -DWIDTH=32
//morton:variant nt_1_w32 -DNT -DTM=1 -DWIDTH=32
//morton:variant nn_32_w32 -DNN -DTM=32 -DWIDTH=32
//morton:variant nn_8_w32 -DNN -DTM=8 -DWIDTH=32
//morton:variant tn_32_w32 -DTN -DTM=32 -DWIDTH=32
//morton:variant tn_8_w32 -DTN -DTM=8 -DWIDTH=32
//morton:variant nt_32_w64 -DNT -DTM=32 -DWIDTH=64
//morton:variant nt_16_w64 -DNT -DTM=16 -DWIDTH=64
//morton:variant nt_8_w64 -DNT -DTM=8 -DWIDTH=64
//morton:variant nt_4_w64 -DNT -DTM=4 -DWIDTH=64
//morton:variant nt_1_w64 -DNT -DTM=1 -DWIDTH=64
//morton:variant nn_32_w64 -DNN -DTM=32 -DWIDTH=64
//morton:variant nn_8_w64 -DNN -DTM=8 -DWIDTH=64
//morton:variant tn_32_w64 -DTN -DTM=32 -DWIDTH=64
//morton:variant tn_8_w64 -DTN -DTM=8 -DWIDTH=64
#define W_FIXED WIDTH
#include "morton.glsl"
#extension GL_EXT_control_flow_attributes : require

// One workgroup computes TM rows by V·W columns of one product of the batch:
//
//   C[m, n] = alpha · sum_k A(m, k) · B(k, n)  (+ C[m, n])  (+ bias[n])
//
// A is [M, K] (NT, NN) or [K, M] (TN); B is [N, K] (NT) or [K, N] (NN, TN); C
// is [M, N]. Lanes span columns. Each lane loads elements of A for one row and
// broadcasts them; loads take two floats at once (along k, or two columns).
// Every element adds its products in the order of k, in one f32 accumulator,
// whatever TM, so a row's bits do not depend on how many rows come with it.
// K is even for NT; lda and ldb are even.

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

const uint R = (TM + WIDTH - 1) / WIDTH; // rows of A a lane loads for
const uint KU = 4;                  // k steps in a loop body
#define EACH [[unroll]] for

uint64_t arow[R], bcol[V];
vec2 b[V][KU / 2];
#ifdef TN // a lane loads pairs of rows: .x and .y are rows 2j and 2j+1
const uint RP = (TM / 2 + WIDTH - 1) / WIDTH + TM % 2;
vec2 a[RP][KU];
#define AX(i, u) subgroupBroadcast(a[(i) / 2 / WIDTH][2 * (u)][(i) % 2], (i) / 2 % WIDTH)
#define AY(i, u) subgroupBroadcast(a[(i) / 2 / WIDTH][2 * (u) + 1][(i) % 2], (i) / 2 % WIDTH)
#else // .x and .y are steps k and k+1 of one row
vec2 a[R][KU / 2];
#define AX(i, u) subgroupBroadcast(a[(i) / WIDTH][u].x, (i) % WIDTH)
#define AY(i, u) subgroupBroadcast(a[(i) / WIDTH][u].y, (i) % WIDTH)
#endif
float acc[TM][V];

// loadPair fills slot u of a and b with steps k0 and k0+1.
void loadPair(uint k0, const uint u) {
#ifdef TN
  EACH(uint r = 0; r < RP; r++) {
    a[r][2 * u] = floats(F32x2(arow[r] + 4ul * uint64_t(k0) * p.lda).v[0]);
    a[r][2 * u + 1] = floats(F32x2(arow[r] + 4ul * uint64_t(k0 + 1) * p.lda).v[0]);
  }
#else
  EACH(uint r = 0; r < R; r++) a[r][u] = floats(F32x2(arow[r] + 4ul * k0).v[0]);
#endif
#ifdef NT
  EACH(uint v = 0; v < V; v++) b[v][u] = floats(F32x2(bcol[v] + 4ul * k0).v[0]);
#else
  EACH(uint v = 0; v < V / 2; v++) {
    vec2 x = floats(F32x2(bcol[v] + 4ul * uint64_t(k0) * p.ldb).v[0]);
    vec2 y = floats(F32x2(bcol[v] + 4ul * uint64_t(k0 + 1) * p.ldb).v[0]);
    b[2 * v][u] = vec2(x.x, y.x);
    b[2 * v + 1][u] = vec2(x.y, y.y);
  }
#endif
}

// loadLast fills slot 0 with one last step k and a zero.
void loadLast(uint k) {
  EACH(uint v = 0; v < V; v++) b[v][0] = vec2(0);
#ifdef TN
  EACH(uint r = 0; r < RP; r++) {
    a[r][0] = floats(F32x2(arow[r] + 4ul * uint64_t(k) * p.lda).v[0]);
    a[r][1] = vec2(0);
  }
#else
  EACH(uint r = 0; r < R; r++) a[r][0] = vec2(F32(arow[r] + 4ul * k).v[0], 0);
#endif
#ifndef NT
  EACH(uint v = 0; v < V / 2; v++) {
    vec2 x = floats(F32x2(bcol[v] + 4ul * uint64_t(k) * p.ldb).v[0]);
    b[2 * v][0].x = x.x;
    b[2 * v + 1][0].x = x.y;
  }
#endif
}

void multiply(const uint steps) {
  EACH(uint i = 0; i < TM; i++) {
    EACH(uint u = 0; u < steps / 2; u++) {
      float ax = AX(i, u), ay = AY(i, u);
      EACH(uint v = 0; v < V; v++) acc[i][v] = fma(ay, b[v][u].y, fma(ax, b[v][u].x, acc[i][v]));
    }
  }
}

void main() {
  uint z = gl_WorkGroupID.z, zo = z / p.inner, zi = z % p.inner;
  uint64_t pa = p.a + 4ul * (uint64_t(zo) * p.sao + uint64_t(zi) * p.sai);
  uint64_t pb = p.b + 4ul * (uint64_t(zo) * p.sbo + uint64_t(zi) * p.sbi);
  uint64_t pc = p.c + 4ul * (uint64_t(zo) * p.sco + uint64_t(zi) * p.sci);
  uint row0 = gl_WorkGroupID.y * TM, col0 = gl_WorkGroupID.x * V * WIDTH;
  EACH(uint i = 0; i < TM; i++) EACH(uint v = 0; v < V; v++) acc[i][v] = 0;
#ifdef TN
  EACH(uint r = 0; r < RP; r++) arow[r] = pa + 4ul * min(row0 + min(2 * (r * WIDTH + LANE), TM - 1 & ~1u), p.M - 1 & ~1u);
#else
  EACH(uint r = 0; r < R; r++) arow[r] = pa + 4ul * uint64_t(min(row0 + min(r * WIDTH + LANE, TM - 1), p.M - 1)) * p.lda;
#endif
#ifdef NT
  EACH(uint v = 0; v < V; v++) bcol[v] = pb + 4ul * uint64_t(min(col0 + v * WIDTH + LANE, p.N - 1)) * p.ldb;
#else // a lane owns column pairs, V/2 of them
  EACH(uint v = 0; v < V / 2; v++) bcol[v] = pb + 4ul * min(col0 + (v * WIDTH + LANE) * 2, (p.N - 1) & ~1u);
#endif

  uint k = 0;
  for (; k + KU <= p.K; k += KU) {
    EACH(uint u = 0; u < KU / 2; u++) loadPair(k + 2 * u, u);
    multiply(KU);
  }
  for (; k < p.K; k += 2) { // the rest of K, in the same order of addition
    if (k + 2 <= p.K) {
      loadPair(k, 0);
    } else {
      loadLast(k);
    }
    multiply(2);
  }
  EACH(uint v = 0; v < V; v++) {
#ifdef NT
    uint n = col0 + v * WIDTH + LANE;
#else
    uint n = col0 + ((v / 2) * WIDTH + LANE) * 2 + v % 2;
#endif
    if (n < p.N) {
      float bias = BIAS != 0 ? F32(p.bias).v[n] : 0;
      EACH(uint i = 0; i < TM; i++) {
        if (row0 + i < p.M) {
          F32 out_ = F32(pc + 4ul * (uint64_t(row0 + i) * p.ldc + n));
          float x = acc[i][v] * p.alpha + bias;
          out_.v[0] = BETA != 0 ? out_.v[0] + x : x;
        }
      }
    }
  }
}
